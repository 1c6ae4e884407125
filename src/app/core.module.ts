import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CONFIG, type Config } from '../platform/config/config.js';
import { dataSourceOptions } from './data-source.js';
import { Database } from '../platform/database/database.js';
import { DaybookDataSource } from '../platform/database/daybook-data-source.js';
import { LoadRunsModule } from '../benchmark/load-runs.module.js';
import { Sweeper } from '../platform/concurrency/sweeper.js';
import { Metrics } from '../platform/observability/metrics.js';
import { QueueModule } from '../queue/queue.module.js';

/** What every process has: its settings, the database, the queue. */
@Module({})
export class CoreModule {
  static register(config: Config, databaseUrl: string): DynamicModule {
    return {
      module: CoreModule,
      global: true,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: () => dataSourceOptions(databaseUrl, config.DATABASE_POOL),
          dataSourceFactory: (options) => Promise.resolve(new DaybookDataSource(options!)),
        }),
        LoadRunsModule,
        QueueModule.register(config),
      ],
      providers: [{ provide: CONFIG, useValue: config }, Database, Metrics, Sweeper],
      exports: [CONFIG, Database, Metrics, Sweeper],
    };
  }
}
