import { Injectable } from '@nestjs/common';
import { WORKER_HOST_PREFIX } from '../../platform/concurrency/worker-id.js';
import { Database } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';

/**
 * Ends expired leases and records the attempts that their workers had started, with unknown outcome. No other statement takes
 * deliveries from a worker, so every started attempt is recorded before the next one is sent. Queues are locked before
 * deliveries, both by id. Whether an outcome is still missing is checked under the lock: it may have been recorded meanwhile.
 */
const REAP_EXPIRED = {
  name: 'delivery_reap',
  text: `
  WITH expired AS (
    SELECT id FROM callback_queues WHERE lease_until < clock_timestamp() ORDER BY id FOR UPDATE
  ), ended AS (
    DELETE FROM callback_queues q USING expired WHERE q.id = expired.id
    RETURNING q.started, q.started_numbers, q.started_at
  ), lost AS (
    SELECT t.id, t.number, e.started_at AS at FROM ended e CROSS JOIN unnest(e.started, e.started_numbers) AS t (id, number)
    UNION ALL
    SELECT d.id, d.attempts + d.unknown + 1, d.next_attempt_at FROM callback_deliveries d
    WHERE d.leased_by IS NOT NULL AND d.lease_until < clock_timestamp()
  ), locked AS (
    SELECT d.id, lost.at FROM callback_deliveries d JOIN lost ON lost.id = d.id
    WHERE d.finished_at IS NULL AND d.attempts + d.unknown + 1 = lost.number
      AND (d.lease_until IS NULL OR d.lease_until < clock_timestamp())
    ORDER BY d.id FOR UPDATE OF d
  ), counted AS (
    UPDATE callback_deliveries d SET unknown = d.unknown + 1, leased_by = NULL, lease_until = NULL
    FROM locked WHERE d.id = locked.id
    RETURNING d.request_id, d.url, d.attempts, d.unknown, d.schedule_start, d.redelivery_id, locked.at
  )
  INSERT INTO callback_logs (request_id, attempt_number, trigger, url, attempted_at)
  SELECT request_id, attempts + unknown,
    CASE WHEN attempts = 0 THEN 'first' WHEN attempts > schedule_start THEN 'retry' WHEN redelivery_id IS NULL THEN 'manual' ELSE 'replay' END,
    url, least(at, clock_timestamp())
  FROM counted ON CONFLICT (request_id, attempt_number) DO NOTHING`,
};

const WORKERS_ON_HOST = statement(
  'delivery_workers',
  `
  SELECT leased_by AS "workerId" FROM callback_deliveries
  WHERE leased_by IS NOT NULL AND starts_with(leased_by, :hostPrefix)
  UNION SELECT leased_by FROM callback_queues WHERE starts_with(leased_by, :hostPrefix)`,
);

const EXPIRE_QUEUES = statement(
  'queue_expire',
  `
  WITH leased AS (SELECT id FROM callback_queues WHERE leased_by = ANY (:workerIds::text[]) ORDER BY id FOR UPDATE)
  UPDATE callback_queues q SET lease_until = '-infinity' FROM leased WHERE q.id = leased.id`,
);

const EXPIRE_DELIVERIES = statement(
  'delivery_expire',
  `
  WITH leased AS (SELECT id FROM callback_deliveries WHERE leased_by = ANY (:workerIds::text[]) ORDER BY id FOR UPDATE)
  UPDATE callback_deliveries d SET lease_until = clock_timestamp() FROM leased WHERE d.id = leased.id`,
);

/** Recovers the leases of crashed workers. Hand-written: crash safety depends on the order of its locks. */
@Injectable()
export class ExpiredLeasesStore {
  constructor(private readonly database: Database) {}

  /** @returns The ids of the workers on this host that have a lease. */
  async workersOnThisHost(): Promise<string[]> {
    const rows: { workerId: string }[] = await this.database.query(WORKERS_ON_HOST, { hostPrefix: WORKER_HOST_PREFIX });
    return rows.map(({ workerId }) => workerId);
  }

  /** Expires the leases of workers that have exited; {@link reapExpired} does the rest. */
  async expire(workerIds: string[]): Promise<void> {
    // Two statements: one that locked deliveries while it waits for a queue could deadlock with reapExpired.
    await this.database.query(EXPIRE_QUEUES, { workerIds });
    await this.database.query(EXPIRE_DELIVERIES, { workerIds });
  }

  /** Ends expired leases and records their started attempts as unknown. */
  async reapExpired(): Promise<void> {
    await this.database.query(REAP_EXPIRED);
  }
}
