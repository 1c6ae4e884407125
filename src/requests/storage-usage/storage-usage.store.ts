import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import { type AccountId, OPEN_INSTALLATION, storedAccount } from '../../platform/tenant.js';

/** Key of the advisory lock that lets one process at a time fold or verify. No other lock uses it. */
const LOCK_KEY = 7_240_202;

/** Changes that one statement folds. */
const FOLD_BATCH = 10_000;

const LOCK = statement('storage_lock', 'SELECT pg_try_advisory_xact_lock(:key) AS "isFree"');

const READ = statement(
  'storage_read',
  `SELECT account_id AS account, sum(bytes)::bigint AS bytes FROM (
    SELECT account_id, bytes FROM account_storage WHERE account_id = ANY (:accounts::uuid[])
    UNION ALL
    SELECT account_id, bytes FROM account_storage_changes WHERE account_id = ANY (:accounts::uuid[])
  ) s GROUP BY 1`,
);

const FOLD = statement(
  'storage_fold',
  `WITH folded AS (
    DELETE FROM account_storage_changes WHERE id IN (SELECT id FROM account_storage_changes ORDER BY id LIMIT :limit)
    RETURNING account_id, bytes
  ), summed AS (
    INSERT INTO account_storage AS s (account_id, bytes)
    SELECT account_id, sum(bytes) FROM folded GROUP BY account_id ORDER BY account_id
    ON CONFLICT (account_id) DO UPDATE SET bytes = s.bytes + excluded.bytes
  )
  SELECT count(*) AS count FROM folded`,
);

/**
 * Replaces the sums by those of the requests. All parts read one snapshot, and every change is committed together with the
 * requests that it is about: the deleted changes are exactly those that the new sums include.
 */
const VERIFY = statement(
  'storage_verify',
  `WITH truth AS (
    SELECT coalesce(account_id, '${OPEN_INSTALLATION}') AS account_id, sum(file_bytes)::bigint AS bytes FROM requests
    WHERE file_bytes IS NOT NULL GROUP BY 1
  ), known AS (
    SELECT account_id, sum(bytes)::bigint AS bytes FROM (
      SELECT account_id, bytes FROM account_storage UNION ALL SELECT account_id, bytes FROM account_storage_changes
    ) s GROUP BY 1
  ), folded AS (
    DELETE FROM account_storage_changes c USING (SELECT id FROM account_storage_changes) seen WHERE c.id = seen.id
  ), compared AS (
    SELECT account_id, coalesce(t.bytes, 0) AS bytes, coalesce(k.bytes, 0) AS known
    FROM truth t FULL JOIN known k USING (account_id)
  ), written AS (
    INSERT INTO account_storage (account_id, bytes) SELECT account_id, bytes FROM compared ORDER BY account_id
    ON CONFLICT (account_id) DO UPDATE SET bytes = excluded.bytes
  )
  SELECT account_id AS account, bytes - known AS drift FROM compared WHERE bytes <> known`,
);

/**
 * The bytes of each account's report files: a sum, and the changes since it was made. Completing and deleting only append a
 * change, because a counter that they all update would make every lane of an account wait for every other; the sweep
 * folds the changes into the sum. Hand-written for that, and because the parts of a statement must share a snapshot.
 */
@Injectable()
export class StorageUsageStore {
  constructor(private readonly database: Database) {}

  /** Returns the bytes of each account, in order. @throws DatabaseUnavailable */
  async read(accounts: readonly AccountId[]): Promise<number[]> {
    const ids = accounts.map((account) => storedAccount(account));
    const rows: { account: string; bytes: number }[] = await this.database.query(READ, { accounts: ids });
    const bytes = new Map(rows.map((row) => [row.account, row.bytes]));
    return ids.map((id) => bytes.get(id) ?? 0);
  }

  /** Folds a batch of changes into the sums, unless another process does. @returns Whether more may be left. */
  async fold(): Promise<boolean> {
    let count = 0;
    await this.whileLocked(async (query) => {
      [{ count }] = (await query(FOLD, { limit: FOLD_BATCH })) as [{ count: number }];
    });
    return count === FOLD_BATCH;
  }

  /**
   * Corrects the sums by reading every request that has a file, unless another process does.
   * @returns The accounts whose sum was wrong, and by how many bytes.
   */
  async verify(): Promise<{ account: string; drift: number }[]> {
    let drifts: { account: string; drift: number }[] = [];
    await this.whileLocked(async (query) => {
      drifts = await query(VERIFY);
    });
    return drifts;
  }

  private async whileLocked(work: (query: Database['query']) => Promise<void>): Promise<void> {
    await this.database.transaction(async (query) => {
      const [lock]: { isFree: boolean }[] = await query(LOCK, { key: LOCK_KEY });
      if (!lock?.isFree) return false;
      await work(query);
      return true;
    });
  }
}
