import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CONFIG, type Config } from '../platform/config/config.js';
import { dataSourceOptions } from './data-source.js';
import { Database } from '../platform/database/database.js';
import { DaybookDataSource } from '../platform/database/daybook-data-source.js';
import { OpenedReceivers } from '../callbacks/url-guard/opened-receivers.js';
import { LoadRuns } from '../benchmark/load-runs.js';
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
        QueueModule.register(config),
      ],
      providers: [
        { provide: CONFIG, useValue: config },
        Database,
        LoadRuns,
        { provide: OpenedReceivers, useExisting: LoadRuns },
        Metrics,
        Sweeper,
      ],
      exports: [CONFIG, Database, LoadRuns, OpenedReceivers, Metrics, Sweeper],
    };
  }
}
