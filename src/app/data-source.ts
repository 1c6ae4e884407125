import { DataSource, type DataSourceOptions } from 'typeorm';
import { runMigrations } from '../platform/database/run-migrations.js';
import { migrations } from '../../migrations/index.js';
import { Account } from '../accounts/account.entity.js';
import { ApiKey } from '../accounts/api-key.entity.js';
import { BenchmarkRun } from '../benchmark/benchmark-run.entity.js';
import { CustomerTotals } from '../books/customers/customer-totals.entity.js';
import { Customer } from '../books/customers/customer.entity.js';
import { ClosedPeriod } from '../books/journal/closed-period.entity.js';
import { JournalCounter } from '../books/journal/journal-counter.entity.js';
import { JournalEntry } from '../books/journal/journal-entry.entity.js';
import { JournalLine } from '../books/journal/journal-line.entity.js';
import {
  JournalBlockTotal,
  JournalDayTotal,
  JournalFold,
  JournalTotal,
} from '../books/journal/journal-totals.entity.js';
import { OrderItem } from '../books/orders/order-item.entity.js';
import { Order } from '../books/orders/order.entity.js';
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
      Customer,
      CustomerTotals,
      Order,
      OrderItem,
      JournalCounter,
      JournalEntry,
      JournalLine,
      ClosedPeriod,
      JournalFold,
      JournalTotal,
      JournalBlockTotal,
      JournalDayTotal,
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
