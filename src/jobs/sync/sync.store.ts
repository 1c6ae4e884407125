import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { WORKER_ID } from '../../platform/concurrency/worker-id.js';
import { statement } from '../../platform/database/named-parameters.js';
import type { Completion, Job } from '../job.js';
import { CRASHED_WORKERS, DELIVERY_INSERT, JOB, LOST_WORKER, STORED_INSERT } from '../sql-fragments.store.js';

/**
 * Completes a sync request, unless another worker has taken it over. Repeated after a broken connection, it returns the
 * request that the first run completed.
 */
const COMPLETE = statement(
  'sync_complete',
  `WITH finished AS (
    UPDATE requests SET status = CASE WHEN :error::text IS NULL THEN 'COMPLETED' ELSE 'FAILED' END,
      result_payload = :result::json, file_key = :fileKey, file_bytes = :fileBytes, error = :error, completed_at = clock_timestamp(),
      leased_by = NULL, lease_until = NULL
    WHERE id = :id AND lease_epoch = :epoch AND mode = 'sync' AND status = 'PROCESSING'
    RETURNING id, account_id, callback_url, concat(account_id || '/', id) AS lane, 0 AS queue_position,
      :deliveryId::uuid AS delivery_id, :destination::text AS destination, file_bytes
  ), delivered AS (${DELIVERY_INSERT}
  ), stored AS (${STORED_INSERT}
  )
  SELECT id FROM finished
  UNION ALL
  SELECT id FROM requests WHERE id = :id AND status = 'COMPLETED' AND file_key = :fileKey`,
);

/** Also matches this worker's id while it is draining. */
const RENEW = statement(
  'sync_renew',
  `WITH held AS (
    SELECT id FROM requests WHERE id = ANY (:ids::uuid[]) AND starts_with(leased_by, :workerId) AND status = 'PROCESSING'
    ORDER BY id FOR UPDATE
  )
  UPDATE requests r SET lease_until = clock_timestamp() + :leaseMs * interval '1 millisecond'
  FROM held WHERE r.id = held.id RETURNING r.id`,
);

const RELEASE = statement(
  'sync_release',
  `UPDATE requests SET leased_by = NULL, lease_until = clock_timestamp() + :pauseMs * interval '1 millisecond'
  WHERE id = :id AND lease_epoch = :epoch AND mode = 'sync' AND status = 'PROCESSING'`,
);

const ADOPT = statement(
  'sync_adopt',
  `WITH orphan AS (
    SELECT id, ${LOST_WORKER} AS lost_worker FROM requests
    WHERE mode = 'sync' AND status = 'PROCESSING' AND lease_until < clock_timestamp()
    ORDER BY lease_until LIMIT :limit FOR UPDATE SKIP LOCKED
  )
  UPDATE requests r SET leased_by = :workerId, lease_until = clock_timestamp() + :leaseMs * interval '1 millisecond',
    lease_epoch = r.lease_epoch + 1, crashed_workers = ${CRASHED_WORKERS}
  FROM orphan WHERE r.id = orphan.id
  RETURNING ${JOB}, r.lease_epoch AS "leaseEpoch"`,
);

/** The SQL of sync requests, which are generated outside every lane: each has a lease of its own. */
@Injectable()
export class SyncStore {
  constructor(private readonly database: Database) {}

  /** Returns the request's id, or null when another worker has taken it over and nothing was written. */
  async complete(
    { id, leaseEpoch: epoch }: Job,
    {
      result,
      fileKey,
      fileBytes,
      error,
      deliveryId,
      destination,
    }: Omit<Completion, 'startedAt' | 'completedAt' | 'id'>,
  ): Promise<Set<string> | null> {
    const values = { id, epoch, result, fileKey, fileBytes, error, deliveryId, destination };
    const rows: { id: string }[] = await this.database.query(COMPLETE, values);
    return rows.length > 0 ? new Set(rows.map((row) => row.id)) : null;
  }

  /** Renews the leases of sync requests that this worker generates; returns the ids that are still held. */
  async renew(ids: string[], leaseMs: number): Promise<Set<string>> {
    const rows: { id: string }[] = await this.database.query(RENEW, { ids, workerId: WORKER_ID, leaseMs });
    return new Set(rows.map(({ id }) => id));
  }

  /** Releases a sync request that cannot be generated now, to be adopted after a pause. Does not count as a crash. */
  async release({ id, leaseEpoch: epoch }: Pick<Job, 'id' | 'leaseEpoch'>, pauseMs: number): Promise<void> {
    await this.database.query(RELEASE, { id, epoch, pauseMs });
  }

  /** Takes over sync requests whose lease has expired. */
  adopt(limit: number, leaseMs: number): Promise<Job[]> {
    return this.database.query(ADOPT, { limit, workerId: WORKER_ID, leaseMs });
  }
}
