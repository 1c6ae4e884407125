import { DataSource, type DataSourceOptions } from 'typeorm';
import { runMigrations } from '../platform/database/run-migrations.js';
import { migrations } from '../../migrations/index.js';
import { Account } from '../accounts/account.entity.js';
import { ApiKey } from '../accounts/api-key.entity.js';
import { BenchmarkRun } from '../benchmark/benchmark-run.entity.js';
import { CallbackDelivery } from '../callbacks/deliveries/callback-delivery.entity.js';
import { CallbackDestination, CallbackDisabledUrl } from '../callbacks/destinations/callback-destination.entity.js';
import { CallbackLog } from '../callbacks/deliveries/callback-log.entity.js';
import { CallbackRedelivery } from '../callbacks/redelivery/callback-redelivery.entity.js';
import { CallbackSecret } from '../callbacks/signing/callback-secret.entity.js';
import { CallbackQueue } from '../callbacks/leases/callback-queue.entity.js';
import { Worker } from '../jobs/workers/worker.entity.js';
import { CancelledPosition } from '../jobs/lanes/cancelled-position.entity.js';
import { Lane } from '../jobs/lanes/lane.entity.js';
import { IdempotencyRecord } from '../requests/idempotency/idempotency-key.entity.js';
import { RequestRecord } from '../requests/request.entity.js';

/** TypeORM's options, for the app and for the command line (`ormconfig.ts`) alike. */
export function dataSourceOptions(url: string, poolSize = 10): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    applicationName: 'daybook',
    entities: [
      RequestRecord,
      Lane,
      CancelledPosition,
      IdempotencyRecord,
      CallbackDelivery,
      CallbackLog,
      CallbackRedelivery,
      CallbackQueue,
      CallbackDestination,
      CallbackDisabledUrl,
      CallbackSecret,
      Worker,
      BenchmarkRun,
      Account,
      ApiKey,
    ],
    migrations,
    synchronize: false,
    connectTimeoutMS: 5_000,
    poolSize,
  };
}

/** Brings a database up to the newest migration. Safe to call from many processes at once. */
export async function migrate(databaseUrl: string): Promise<void> {
  const dataSource = await new DataSource(dataSourceOptions(databaseUrl, 2)).initialize();
  try {
    await runMigrations(dataSource);
  } finally {
    await dataSource.destroy();
  }
}
