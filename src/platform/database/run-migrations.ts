import type { DataSource } from 'typeorm';

/** Key of the advisory lock; any number that no other program uses on this database. */
const MIGRATION_LOCK = 4_820_110;

/**
 * Runs the pending migrations. Of several processes one migrates and the others wait. The lock belongs to a transaction,
 * so that it also works behind a transaction-pooling PgBouncer.
 */
export async function runMigrations(dataSource: DataSource): Promise<void> {
  await dataSource.transaction(async (lock) => {
    await lock.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await dataSource.runMigrations({ transaction: 'each' });
  });
}
