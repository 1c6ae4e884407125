import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { WORKER_ID } from '../../platform/concurrency/worker-id.js';
import { type Completion, JOB, type Job, lostBy, withCrashOf } from '../job.js';

/** Completes a sync request, unless another process has taken it over. */
const COMPLETE = `
  WITH finished AS (
    UPDATE requests SET status = CASE WHEN $5::text IS NULL THEN 'COMPLETED' ELSE 'FAILED' END,
      result_payload = $3::json, file_key = $4, error = $5, completed_at = clock_timestamp(),
      leased_by = NULL, lease_until = NULL
    WHERE id = $1 AND lease_epoch = $2 AND mode = 'sync' AND status = 'PROCESSING'
    RETURNING id, account_id, callback_url
  ), owed AS (
    INSERT INTO callback_deliveries (id, request_id, url, destination, lane, queue_position)
    SELECT $6::uuid, id, callback_url, $7, concat(account_id || '/', id), 0 FROM finished WHERE callback_url IS NOT NULL
  )
  SELECT id FROM finished
  UNION ALL
  SELECT id FROM requests WHERE id = $1 AND status = 'COMPLETED' AND file_key = $4`;

/** All SQL of sync requests, which are made outside every lane: each has a lease of its own. */
@Injectable()
export class SyncStore {
  constructor(private readonly database: Database) {}

  /** @returns The request's id, or null when another process has taken it over: then nothing was written. */
  async complete(
    job: Job,
    completion: Omit<Completion, 'startedAt' | 'completedAt' | 'id'>,
  ): Promise<Set<string> | null> {
    const rows = await this.database.query<{ id: string }>({ name: 'sync_complete', text: COMPLETE }, [
      job.id,
      job.leaseEpoch,
      completion.result,
      completion.fileKey,
      completion.error,
      completion.deliveryId,
      completion.destination,
    ]);
    return rows.length > 0 ? new Set(rows.map(({ id }) => id)) : null;
  }

  /** Renews the leases of sync requests that this process makes; gives the ids that are still ours. */
  async renew(ids: string[], leaseMs: number): Promise<Set<string>> {
    // Also under the name that we have while we are ending.
    const text = `WITH held AS (
        SELECT id FROM requests WHERE id = ANY ($1::uuid[]) AND starts_with(leased_by, $2) AND status = 'PROCESSING'
        ORDER BY id FOR UPDATE
      )
      UPDATE requests r SET lease_until = clock_timestamp() + $3 * interval '1 millisecond'
      FROM held WHERE r.id = held.id RETURNING r.id`;
    const rows = await this.database.query<{ id: string }>({ name: 'sync_renew', text }, [ids, WORKER_ID, leaseMs]);
    return new Set(rows.map(({ id }) => id));
  }

  /** Gives a sync request back that cannot be made now, to be taken over after a while. Nobody has died of it. */
  async release({ id, leaseEpoch }: Pick<Job, 'id' | 'leaseEpoch'>, pauseMs: number): Promise<void> {
    const text = `UPDATE requests
      SET leased_by = NULL, lease_until = clock_timestamp() + $3 * interval '1 millisecond'
      WHERE id = $1 AND lease_epoch = $2 AND mode = 'sync' AND status = 'PROCESSING'`;
    await this.database.query({ name: 'sync_release', text }, [id, leaseEpoch, pauseMs]);
  }

  /** Takes over sync requests whose process fell silent. */
  async adopt(limit: number, leaseMs: number): Promise<Job[]> {
    const text = `WITH orphan AS (
        SELECT id FROM requests WHERE mode = 'sync' AND status = 'PROCESSING' AND lease_until < clock_timestamp()
        ORDER BY lease_until LIMIT $1 FOR UPDATE SKIP LOCKED
      )
      UPDATE requests r SET leased_by = $2, lease_until = clock_timestamp() + $3 * interval '1 millisecond',
        lease_epoch = r.lease_epoch + 1, crashed_workers = ${withCrashOf(`(${lostBy('r.leased_by', '$2')})`)}
      FROM orphan WHERE r.id = orphan.id
      RETURNING ${JOB}, r.lease_epoch AS "leaseEpoch"`;
    return this.database.query<Job>({ name: 'sync_adopt', text }, [limit, WORKER_ID, leaseMs]);
  }
}
