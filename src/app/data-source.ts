import { DataSource, type DataSourceOptions } from 'typeorm';
import { runMigrations } from '../platform/database/run-migrations.js';
import {
  DirectSession,
  MigrationSession,
  PooledSession,
  type Session,
  negotiateSession,
} from '../platform/database/session.js';
import { migrations } from '../../migrations/index.js';
import { Account } from '../accounts/account.entity.js';
import { ApiKey } from '../accounts/api-key.entity.js';
import { PasswordReset } from '../accounts/users/password-reset.entity.js';
import { RefreshToken } from '../accounts/users/sessions/refresh-token.entity.js';
import { Session as UserSession } from '../accounts/users/sessions/session.entity.js';
import { TokenSecret } from '../accounts/users/tokens/token-secret.entity.js';
import { User } from '../accounts/users/user.entity.js';
import { BenchmarkRun } from '../benchmark/benchmark-run.entity.js';
import { CustomerTotals } from '../books/customers/customer-totals.entity.js';
import { Customer } from '../books/customers/customer.entity.js';
import { OrderImport, OrderImportError } from '../books/import/order-import.entity.js';
import { ClosedPeriod } from '../books/journal/periods/closed-period.entity.js';
import { JournalCounter } from '../books/journal/journal-counter.entity.js';
import { JournalEntry } from '../books/journal/journal-entry.entity.js';
import { JournalLine } from '../books/journal/journal-line.entity.js';
import {
  JournalBlockTotal,
  JournalDayTotal,
  JournalHourTotal,
  JournalFold,
  JournalTotal,
} from '../books/journal/balances/journal-totals.entity.js';
import { OrderItem } from '../books/orders/order-item.entity.js';
import { Order } from '../books/orders/order.entity.js';
import { CallbackDelivery } from '../callbacks/deliveries/callback-delivery.entity.js';
import { CallbackDestination, CallbackDisabledUrl } from '../callbacks/destinations/callback-destination.entity.js';
import { CallbackLog } from '../callbacks/deliveries/callback-log.entity.js';
import { RedeliveryPace } from '../callbacks/redelivery/redelivery-pace.entity.js';
import { CallbackRedelivery } from '../callbacks/redelivery/callback-redelivery.entity.js';
import { CallbackSecret } from '../callbacks/signing/callback-secret.entity.js';
import { CallbackQueue } from '../callbacks/leases/callback-queue.entity.js';
import { MailFanOut } from '../mail/fan-outs/mail-fan-out.entity.js';
import { MailAttempt } from '../mail/messages/mail-attempt.entity.js';
import { MailMessage } from '../mail/messages/mail-message.entity.js';
import { Worker } from '../jobs/workers/worker.entity.js';
import { CancelledPosition } from '../jobs/lanes/cancelled-position.entity.js';
import { Lane } from '../jobs/lanes/lane.entity.js';
import { ReapedLanes } from '../jobs/lanes/reaping/reaped-lanes.entity.js';
import { QueuePause } from '../queue/pauses/queue-pause.entity.js';
import { ActionRecord } from '../requests/actions/action.entity.js';
import { AccountStorage, AccountStorageChange } from '../requests/storage-usage/account-storage.entity.js';
import { IdempotencyRecord } from '../requests/idempotency/idempotency-key.entity.js';
import { RequestRecord } from '../requests/request.entity.js';
import { ScheduleRun } from '../schedules/schedule-run.entity.js';
import { Schedule } from '../schedules/schedule.entity.js';
import { Booking } from '../tickets/bookings/booking.entity.js';
import { Event } from '../tickets/events/event.entity.js';

const CONNECT_TIMEOUT_MS = 5_000;

const ENTITIES = [
  RequestRecord,
  Lane,
  ReapedLanes,
  CancelledPosition,
  AccountStorage,
  AccountStorageChange,
  IdempotencyRecord,
  ActionRecord,
  CallbackDelivery,
  CallbackLog,
  CallbackRedelivery,
  RedeliveryPace,
  CallbackQueue,
  CallbackDestination,
  CallbackDisabledUrl,
  CallbackSecret,
  Worker,
  QueuePause,
  BenchmarkRun,
  Account,
  ApiKey,
  User,
  UserSession,
  RefreshToken,
  PasswordReset,
  TokenSecret,
  Customer,
  CustomerTotals,
  Order,
  OrderItem,
  OrderImport,
  OrderImportError,
  JournalCounter,
  JournalEntry,
  JournalLine,
  ClosedPeriod,
  JournalFold,
  JournalTotal,
  JournalBlockTotal,
  JournalDayTotal,
  JournalHourTotal,
  MailMessage,
  MailAttempt,
  MailFanOut,
  Event,
  Booking,
  Schedule,
  ScheduleRun,
];

/**
 * TypeORM's options, for the app and for the command line (`ormconfig.ts`) alike.
 * @param session The class of the connections, which {@link migrate} returns. The default works with every server.
 */
export function dataSourceOptions(url: string, poolSize = 10, session: Session = PooledSession): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    applicationName: 'daybook',
    entities: ENTITIES,
    migrations,
    synchronize: false,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    poolSize,
    extra: { Client: session },
  };
}

/**
 * Brings a database up to the newest migration. Safe to call from many processes at once.
 * @returns The class of connections that the server accepts.
 * @throws StartError for a setting of the database that the service cannot work with.
 */
export async function migrate(databaseUrl: string): Promise<Session> {
  const session = await negotiateSession(databaseUrl, CONNECT_TIMEOUT_MS);
  const migrating = session === DirectSession ? MigrationSession : session;
  const dataSource = await new DataSource(dataSourceOptions(databaseUrl, 2, migrating)).initialize();
  try {
    await runMigrations(dataSource);
  } finally {
    await dataSource.destroy();
  }
  return session;
}
