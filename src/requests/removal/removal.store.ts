import { Injectable } from '@nestjs/common';
import { OPEN_INSTALLATION } from '../../platform/tenant.js';
import { Database, type Query, type Statement } from '../../platform/database/database.js';
import { firstIdAt } from '../../platform/ids.js';
import { RequestCallbacks } from '../request-callbacks.js';

/** Deletes files by key before their requests are deleted. If it throws, no request is deleted. */
export type RemoveFiles = (keys: string[]) => Promise<void>;

/** A batch of {@link RemovalStore.removeExpired}. */
export interface ExpiredBatch {
  /** The deleted requests, oldest first. */
  removed: string[];
  /** The `afterId` of the next batch; null if this was the last one. */
  nextAfterId: string | null;
}

/** Key of the advisory lock that lets one process at a time delete expired requests. No other lock uses it. */
const RETENTION_LOCK = 7_240_201;

/** A finished request never changes its status again. */
const IS_FINISHED = `status IN ('COMPLETED', 'FAILED', 'CANCELLED')`;

const LOCK_RETENTION: Statement = {
  name: 'retention_lock',
  text: `SELECT pg_try_advisory_xact_lock($1) AS "isFree",
    clock_timestamp() - $2 * interval '1 millisecond' AS before`,
};
const FIND_EXPIRED: Statement = {
  name: 'request_find_expired',
  text: `SELECT id FROM requests
    WHERE id > $1 AND id < $2 AND completed_at < $3 AND ${IS_FINISHED} ORDER BY id LIMIT $4`,
};
const LOCK_FINISHED: Statement = {
  name: 'request_lock_finished',
  text: `SELECT id, file_key AS "fileKey" FROM requests
    WHERE id = ANY ($1::uuid[]) AND ${IS_FINISHED} ORDER BY id FOR UPDATE`,
};
/** Takes the bytes of the files from those of their accounts. */
const REMOVE: Statement = {
  name: 'request_remove',
  text: `WITH removed AS (DELETE FROM requests WHERE id = ANY ($1::uuid[]) RETURNING account_id, file_bytes)
    INSERT INTO account_storage_changes (account_id, bytes)
    SELECT coalesce(account_id, '${OPEN_INSTALLATION}'), -sum(file_bytes) FROM removed WHERE file_bytes > 0 GROUP BY 1`,
};

/**
 * Deletes finished requests with their callbacks and files, unless a callback is still due. Hand-written because its
 * correctness is the order of its locks: deliveries before requests, as in every statement that records an attempt. A
 * callback that becomes due again at the same time either keeps its request or finds it deleted.
 */
@Injectable()
export class RemovalStore {
  constructor(
    private readonly database: Database,
    private readonly callbacks: RequestCallbacks,
  ) {}

  /**
   * Deletes requests that have no callback due.
   * @param ids Requests that were read as finished, so that their callbacks, if any, exist by now.
   * @returns The number of deleted requests.
   */
  async remove(ids: string[], removeFiles: RemoveFiles): Promise<number> {
    let removed: string[] = [];
    await this.database.transaction(async (query) => {
      removed = await this.removeWithin(query, ids, removeFiles);
      return removed.length > 0;
    });
    return removed.length;
  }

  /**
   * Deletes a batch of the requests that finished long enough ago. Ids are time-ordered, so the primary key finds them; an
   * index on `completed_at` would slow down every request.
   * @param ageMs By the database's clock, because the clock of a worker may be ahead.
   * @param afterId The {@link ExpiredBatch.nextAfterId} of the previous batch.
   * @param limit Requests that are examined; those with a callback due are left and count too.
   * @returns Null when another process is deleting.
   */
  async removeExpired(
    ageMs: number,
    afterId: string,
    limit: number,
    removeFiles: RemoveFiles,
  ): Promise<ExpiredBatch | null> {
    let batch: ExpiredBatch | null = null;
    await this.database.transaction(async (query) => {
      const [row] = await query<{ isFree: boolean; before: Date }>(LOCK_RETENTION, [RETENTION_LOCK, ageMs]);
      if (!row?.isFree) return false;
      const values = [afterId, firstIdAt(row.before), row.before, limit];
      const ids = (await query<{ id: string }>(FIND_EXPIRED, values)).map(({ id }) => id);
      const removed = await this.removeWithin(query, ids, removeFiles);
      batch = { removed, nextAfterId: ids.length === limit ? ids.at(-1)! : null };
      return removed.length > 0;
    });
    return batch;
  }

  /**
   * Files go first: a request without its file says so when it is downloaded, a file without its request is never found
   * again. Callbacks that are due are skipped before the lock, so that deleting never delays their attempts.
   */
  private async removeWithin(query: Query, ids: string[], removeFiles: RemoveFiles): Promise<string[]> {
    const settled = without(ids, await this.callbacks.findDue(ids, query));
    if (settled.length === 0) return [];
    const removable = without(settled, await this.callbacks.lock(settled, query));
    const requests = await query<{ id: string; fileKey: string | null }>(LOCK_FINISHED, [removable]);
    if (requests.length === 0) return [];
    await removeFiles(requests.flatMap(({ fileKey }) => fileKey ?? []));
    const removed = requests.map(({ id }) => id);
    await this.callbacks.remove(removed, query);
    await query(REMOVE, [removed]);
    return removed;
  }
}

function without(ids: string[], excluded: ReadonlySet<string>): string[] {
  return ids.filter((id) => !excluded.has(id));
}
