import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { LoadRunsModule } from '../benchmark/load-runs.module.js';
import { Customer } from '../books/customers/customer.entity.js';
import { JournalCounter } from '../books/journal/journal-counter.entity.js';
import { JournalEntry } from '../books/journal/journal-entry.entity.js';
import { PostedEntriesRepository } from '../books/reports/posted-entries.repository.js';
import { PostedEntries } from '../reports/posted-entries.js';
import { CallbackDelivery } from '../callbacks/deliveries/callback-delivery.entity.js';
import { CallbackLog } from '../callbacks/deliveries/callback-log.entity.js';
import { RequestCallbacksRepository } from '../callbacks/deliveries/request-callbacks.repository.js';
import { NewAccounts } from '../accounts/new-accounts.js';
import { CallbackSecret } from '../callbacks/signing/callback-secret.entity.js';
import { CallbackSecretRepository } from '../callbacks/signing/callback-secret.repository.js';
import { FirstCallbackSecret } from '../callbacks/signing/first-callback-secret.js';
import { Lane } from '../jobs/lanes/lane.entity.js';
import { LaneRepository } from '../jobs/lanes/lane.repository.js';
import { LanePositionsRepository } from '../jobs/lanes/lane-positions.repository.js';
import { Attendees } from '../mail/attendees.js';
import { EventAttendees } from '../tickets/bookings/event-attendees.store.js';
import { Sweeper } from '../platform/concurrency/sweeper.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Database } from '../platform/database/database.js';
import { DaybookDataSource } from '../platform/database/daybook-data-source.js';
import { TableAnalyzer } from '../platform/database/table-analyzer.js';
import { ListenAddress } from '../platform/listen-address.js';
import { Metrics } from '../platform/observability/metrics.js';
import { MailModule } from '../mail/mail.module.js';
import { OutboxResetMail } from '../mail/reset-mail.js';
import { ResetMail } from '../accounts/users/reset-mail.js';
import { QueueModule } from '../queue/queue.module.js';
import { LanePositions } from '../requests/lane-positions.js';
import { LiveLanes } from '../requests/live/live-lanes.js';
import { RequestCallbacks } from '../requests/request-callbacks.js';
import { dataSourceOptions } from './data-source.js';
import type { OpenDatabase } from './open-database.js';

/** Ports of lower folders, and the classes of upper folders that implement them. */
const PORTS = [
  { provide: RequestCallbacks, useClass: RequestCallbacksRepository },
  { provide: NewAccounts, useClass: FirstCallbackSecret },
  { provide: LanePositions, useClass: LanePositionsRepository },
  { provide: LiveLanes, useClass: LaneRepository },
  { provide: Attendees, useClass: EventAttendees },
  { provide: ResetMail, useClass: OutboxResetMail },
  { provide: PostedEntries, useClass: PostedEntriesRepository },
];

const SHARED = [Database, ListenAddress, Metrics, Sweeper, TableAnalyzer];

/** The modules of every process: settings, the database, the queue, and ports that upper folders implement for lower ones. */
@Module({})
export class CoreModule {
  static register(config: Config, database: Pick<OpenDatabase, 'url' | 'session'>): DynamicModule {
    return {
      module: CoreModule,
      global: true,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: () => dataSourceOptions(database.url, config.DATABASE_POOL, database.session),
          dataSourceFactory: (options) => Promise.resolve(new DaybookDataSource(options!)),
        }),
        TypeOrmModule.forFeature([
          CallbackSecret,
          CallbackDelivery,
          CallbackLog,
          Lane,
          JournalCounter,
          JournalEntry,
          Customer,
        ]),
        LoadRunsModule,
        QueueModule.register(config),
        MailModule,
      ],
      providers: [{ provide: CONFIG, useValue: config }, CallbackSecretRepository, ...PORTS, ...SHARED],
      exports: [CONFIG, ...PORTS.map(({ provide }) => provide), ...SHARED],
    };
  }
}
