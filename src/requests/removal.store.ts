import { Injectable } from '@nestjs/common';
import type { AccountId } from '../platform/tenant.js';
import { Database, type Query } from '../platform/database/database.js';
import { firstIdAt } from '../platform/ids.js';

interface RemovableRequest {
  id: string;
  file_key: string | null;
}

/** Of {@link RemovalStore.removeExpired}, so that one process at a time does it. Any number that no other lock has. */
const RETENTION_LOCK = 7_240_201;

/** Finished, and no callback is still owed: deleting such a request breaks no promise. */
const IS_REMOVABLE = `r.status IN ('COMPLETED', 'FAILED', 'CANCELLED') AND NOT EXISTS (
  SELECT 1 FROM callback_deliveries d WHERE d.request_id = r.id AND d.status = 'PENDING')`;

/** Deletes the files of requests before they go. What it throws leaves them all. */
export type RemoveFiles = (keys: string[]) => Promise<void>;

/**
 * Deletes those of the requests given that may be, with their deliveries and logs, their files first: a row without its file
 * says so when it is downloaded, a file without a row is lost for ever. All are locked before, the deliveries first, as by
 * who records an attempt: else a callback could be sent again in between, and would be owed no more and its file be gone.
 */
async function removeOn(query: Query, ids: string[], removeFiles: RemoveFiles): Promise<number> {
  const lockText = 'SELECT id FROM callback_deliveries WHERE request_id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE';
  await query({ name: 'request_lock_deliveries', text: lockText }, [ids]);
  // A statement of its own, so that it sees what has been owed anew by the time it has the lock.
  const findText = `SELECT r.id, r.file_key FROM requests r
    WHERE r.id = ANY ($1::uuid[]) AND ${IS_REMOVABLE} ORDER BY r.id FOR UPDATE OF r`;
  const removable = await query<RemovableRequest>({ name: 'request_lock_removable', text: findText }, [ids]);
  if (removable.length === 0) return 0;
  await removeFiles(removable.flatMap(({ file_key }) => file_key ?? []));
  const text = `WITH logs AS (DELETE FROM callback_logs WHERE request_id = ANY ($1::uuid[])),
      deliveries AS (DELETE FROM callback_deliveries WHERE request_id = ANY ($1::uuid[]))
    DELETE FROM requests WHERE id = ANY ($1::uuid[])`;
  await query({ name: 'request_remove', text }, [removable.map(({ id }) => id)]);
  return removable.length;
}

/** All SQL that deletes requests, with what is theirs. */
@Injectable()
export class RemovalStore {
  constructor(private readonly database: Database) {}

  /** The ids of the next requests that may be deleted, in their order, after the one given. */
  async findRemovable(account: AccountId, afterId: string, limit: number): Promise<string[]> {
    const removable = (condition: string) => `SELECT r.id FROM requests r
      WHERE ${condition} r.id > $1 AND ${IS_REMOVABLE} ORDER BY r.id LIMIT $2`;
    // A statement of its own for an account, so that it is planned over the account's own index.
    const [statement, values] =
      account === null
        ? [{ name: 'request_find_removable', text: removable('') }, [afterId, limit]]
        : [{ name: 'request_find_removable_own', text: removable('r.account_id = $3 AND') }, [afterId, limit, account]];
    return (await this.database.query<{ id: string }>(statement, values)).map(({ id }) => id);
  }

  /** Deletes those of the requests that are finished and owe no callback, with all that is theirs; gives how many it was. */
  async remove(ids: string[], removeFiles: RemoveFiles): Promise<number> {
    let count = 0;
    await this.database.transaction(async (query) => {
      count = await removeOn(query, ids, removeFiles);
      return count > 0;
    });
    return count;
  }

  /**
   * Deletes some of the requests that were finished long enough ago and owe nothing, oldest first. Ids are time-ordered, so
   * the primary key finds them; an index of `completed_at` would cost every request.
   * @param ageMs By the database's clock: a worker whose own runs ahead must not delete what is not past its time.
   * @param afterId Where the batch before ended.
   * @returns The ids of the batch, or null when another process is at it.
   */
  async removeExpired(
    ageMs: number,
    afterId: string,
    limit: number,
    removeFiles: RemoveFiles,
  ): Promise<string[] | null> {
    const lockText = `SELECT pg_try_advisory_xact_lock($1) AS "isFree",
      clock_timestamp() - $2 * interval '1 millisecond' AS before`;
    const findText = `SELECT r.id FROM requests r
      WHERE r.id > $1 AND r.id < $2 AND r.completed_at < $3 AND ${IS_REMOVABLE} ORDER BY r.id LIMIT $4`;
    let ids: string[] | null = null;
    await this.database.transaction(async (query) => {
      const lock = { name: 'retention_lock', text: lockText };
      const [row] = await query<{ isFree: boolean; before: Date }>(lock, [RETENTION_LOCK, ageMs]);
      if (!row?.isFree) return false;
      const values = [afterId, firstIdAt(row.before), row.before, limit];
      const expired = await query<{ id: string }>({ name: 'request_find_expired', text: findText }, values);
      ids = expired.map(({ id }) => id);
      if (ids.length === 0) return false;
      return (await removeOn(query, ids, removeFiles)) > 0;
    });
    return ids;
  }
}
