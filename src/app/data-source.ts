import type { ClientBase } from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { InitialSchema1764000000000 } from '../../migrations/1764000000000-initial-schema.js';
import { LaneControl1764100000000 } from '../../migrations/1764100000000-lane-control.js';
import { CallbackOrder1764150000000 } from '../../migrations/1764150000000-callback-order.js';
import { BenchmarkRuns1764300000000 } from '../../migrations/1764300000000-benchmark-runs.js';
import { CallbackSecrets1764400000000 } from '../../migrations/1764400000000-callback-secrets.js';
import { AttemptTrace1764500000000 } from '../../migrations/1764500000000-attempt-trace.js';
import { Redeliveries1764510000000 } from '../../migrations/1764510000000-redeliveries.js';
import { CallbackDispatch1764600000000 } from '../../migrations/1764600000000-callback-dispatch.js';
import { DeadlyRequests1764700000000 } from '../../migrations/1764700000000-deadly-requests.js';
import { Accounts1764800000000 } from '../../migrations/1764800000000-accounts.js';
import { LaneTurns1764900000000 } from '../../migrations/1764900000000-lane-turns.js';
import { CallbacksWithoutKeys1765100000000 } from '../../migrations/1765100000000-callbacks-without-keys.js';
import { CancelledPositions1765000000000 } from '../../migrations/1765000000000-cancelled-positions.js';
import { AccountEntity } from '../accounts/account.entity.js';
import { ApiKeyEntity } from '../accounts/api-key.entity.js';
import { BenchmarkRunEntity } from '../benchmark/benchmark-run.entity.js';
import { CallbackDeliveryEntity } from '../callbacks/deliveries/callback-delivery.entity.js';
import {
  CallbackDestinationEntity,
  CallbackDisabledUrlEntity,
} from '../callbacks/destinations/callback-destination.entity.js';
import { CallbackLogEntity } from '../callbacks/deliveries/callback-log.entity.js';
import { CallbackRedeliveryEntity } from '../callbacks/redelivery/callback-redelivery.entity.js';
import { CallbackSecretEntity } from '../callbacks/signing/callback-secret.entity.js';
import { CallbackStreamEntity } from '../callbacks/dispatch/callback-stream.entity.js';
import { WorkerEntity } from '../jobs/workers/worker.entity.js';
import { CancelledPositionEntity } from '../jobs/lanes/cancelled-position.entity.js';
import { LaneEntity } from '../jobs/lanes/lane.entity.js';
import { IdempotencyKeyEntity } from '../requests/idempotency/idempotency-key.entity.js';
import { RequestEntity } from '../requests/request.entity.js';

/** Any number of its own, the same for every process of Daybook: who holds it may migrate. */
const MIGRATION_LOCK = 4_820_110;

/**
 * Every statement over a table that grows has an index to go by, and is to go by it. A prepared one is planned once, and
 * while the tables are small reading all of them looks cheapest: it would still read all of them when they are large, until
 * something analyzes them. Costs that forbid this must not look like work that is worth compiling.
 */
const SESSION = 'SET enable_seqscan = off; SET jit = off';

/** TypeORM's options, for the app and for the command line (`ormconfig.ts`) alike. */
export function dataSourceOptions(url: string, poolSize = 10): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    applicationName: 'daybook',
    entities: [
      RequestEntity,
      LaneEntity,
      CancelledPositionEntity,
      IdempotencyKeyEntity,
      CallbackDeliveryEntity,
      CallbackLogEntity,
      CallbackRedeliveryEntity,
      CallbackStreamEntity,
      CallbackDestinationEntity,
      CallbackDisabledUrlEntity,
      CallbackSecretEntity,
      WorkerEntity,
      BenchmarkRunEntity,
      AccountEntity,
      ApiKeyEntity,
    ],
    // Named one by one: a glob would also pick up source maps and whatever else a build leaves behind.
    migrations: [
      InitialSchema1764000000000,
      LaneControl1764100000000,
      CallbackOrder1764150000000,
      BenchmarkRuns1764300000000,
      CallbackSecrets1764400000000,
      AttemptTrace1764500000000,
      Redeliveries1764510000000,
      CallbackDispatch1764600000000,
      DeadlyRequests1764700000000,
      Accounts1764800000000,
      LaneTurns1764900000000,
      CancelledPositions1765000000000,
      CallbacksWithoutKeys1765100000000,
    ],
    synchronize: false,
    connectTimeoutMS: 5_000,
    poolSize,
    extra: { onConnect: (client: ClientBase) => client.query(SESSION) },
  };
}

/**
 * Brings the database up to the newest migration. Safe to call from many processes at once: the first migrates, the
 * others wait. The lock belongs to a transaction, so that it also holds behind a transaction-pooling PgBouncer.
 */
export async function migrate(databaseUrl: string): Promise<void> {
  const dataSource = await new DataSource(dataSourceOptions(databaseUrl, 2)).initialize();
  try {
    await dataSource.transaction(async (lock) => {
      await lock.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
      await dataSource.runMigrations({ transaction: 'each' });
    });
  } finally {
    await dataSource.destroy();
  }
}
