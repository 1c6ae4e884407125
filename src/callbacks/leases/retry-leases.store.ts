import { Injectable } from '@nestjs/common';
import { FinishedRequests } from '../../requests/finished-requests.js';
import { WORKER_ID } from '../../platform/concurrency/worker-id.js';
import { Database } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import { notPaused } from '../../queue/pauses/not-paused.store.js';
import type { Target } from '../destinations/target.js';
import { DISABLED, DUE_COLUMNS, type DueDelivery, type DueRow, withRequests } from './due-delivery.js';

const LEASE = statement(
  'retry_lease',
  `
  WITH due AS (
    SELECT d.id FROM callback_deliveries d
    WHERE d.account_id = :accountId AND d.destination = :destination AND d.status = 'PENDING' AND d.attempts > 0
      AND d.next_attempt_at <= clock_timestamp() AND d.leased_by IS NULL
      AND ${notPaused('callbacks')}
    ORDER BY d.next_attempt_at LIMIT :limit FOR UPDATE SKIP LOCKED
  ), leased AS (
    UPDATE callback_deliveries t SET leased_by = :workerId,
      lease_until = clock_timestamp() + :leaseMs * interval '1 millisecond'
    FROM due WHERE t.id = due.id RETURNING t.*
  )
  SELECT ${DUE_COLUMNS} FROM leased d ${DISABLED}
  ORDER BY d.next_attempt_at`,
);

const RELEASE = statement(
  'retry_release',
  `
  WITH leased AS (
    SELECT id FROM callback_deliveries WHERE id = ANY (:ids::uuid[]) AND leased_by = :workerId ORDER BY id FOR UPDATE
  )
  UPDATE callback_deliveries d SET leased_by = NULL, lease_until = NULL FROM leased WHERE d.id = leased.id`,
);

const RENEW = statement(
  'retry_renew',
  `
  WITH leased AS (
    SELECT id FROM callback_deliveries WHERE id = ANY (:ids::uuid[]) AND leased_by = :workerId ORDER BY id FOR UPDATE
  )
  UPDATE callback_deliveries d SET lease_until = clock_timestamp() + :leaseMs * interval '1 millisecond'
  FROM leased WHERE d.id = leased.id RETURNING d.id`,
);

/**
 * Leases of single retries, for the orders in which a retry does not block its queue. Hand-written: SKIP LOCKED lets workers
 * lease side by side, and the rate of callbacks depends on it.
 */
@Injectable()
export class RetryLeasesStore {
  constructor(
    private readonly database: Database,
    private readonly requests: FinishedRequests,
  ) {}

  /** Leases up to `limit` retries of a destination that are due; none while callbacks are paused. Their attempts are thereby recorded as started. */
  async lease({ accountId, destination }: Target, limit: number, leaseMs: number): Promise<DueDelivery[]> {
    const values = { accountId, destination, limit, leaseMs, workerId: WORKER_ID };
    const rows: DueRow[] = await this.database.query(LEASE, values);
    try {
      return await withRequests(rows, this.requests);
    } catch (error) {
      // Otherwise the attempts would count as started until their leases expire.
      await this.release(rows.map(({ id }) => id)).catch(() => undefined);
      throw error;
    }
  }

  /** Ends the leases of retries that were not sent. */
  async release(ids: string[]): Promise<void> {
    await this.database.query(RELEASE, { ids, workerId: WORKER_ID });
  }

  /** Renews leases. @returns The ids of those that were not lost. */
  async renew(ids: string[], leaseMs: number): Promise<Set<string>> {
    const rows: { id: string }[] = await this.database.query(RENEW, { ids, leaseMs, workerId: WORKER_ID });
    return new Set(rows.map(({ id }) => id));
  }
}
