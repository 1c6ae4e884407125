import { type DynamicModule, Module } from '@nestjs/common';
import { AccountsApiModule } from '../accounts/accounts-api.module.js';
import { UsersApiModule } from '../accounts/users/users-api.module.js';
import { BenchmarkModule } from '../benchmark/benchmark.module.js';
import { BooksModule } from '../books/books.module.js';
import { CallbacksApiModule } from '../callbacks/callbacks-api.module.js';
import { DemoReceiverModule } from '../callbacks/demo-receiver/demo-receiver.module.js';
import { MailApiModule } from '../mail/mail-api.module.js';
import type { Config } from '../platform/config/config.js';
import { BoardModule } from '../operations/board/board.module.js';
import { OperationsModule } from '../operations/operations.module.js';
import { SettingsModule } from '../operations/settings/settings.module.js';
import { EdgeModule } from '../edge/edge.module.js';
import { JobsApiModule } from '../jobs/jobs-api.module.js';
import { ReportsApiModule } from '../reports/reports-api.module.js';
import { RequestsApiModule } from '../requests/requests-api.module.js';
import { SchedulesApiModule } from '../schedules/schedules-api.module.js';
import { TicketsModule } from '../tickets/tickets.module.js';

/** Everything that answers HTTP. */
@Module({})
export class ApiModule {
  static register({ DEMO_RECEIVER }: Config): DynamicModule {
    const features = [
      EdgeModule,
      JobsApiModule,
      RequestsApiModule,
      ReportsApiModule,
      CallbacksApiModule,
      BooksModule,
      TicketsModule,
      SchedulesApiModule,
      MailApiModule,
      OperationsModule,
      BoardModule,
      SettingsModule,
      BenchmarkModule,
      AccountsApiModule,
      UsersApiModule,
    ];
    return { module: ApiModule, imports: DEMO_RECEIVER ? [...features, DemoReceiverModule] : features };
  }
}
