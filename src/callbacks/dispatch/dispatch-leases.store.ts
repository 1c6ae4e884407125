import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { WORKER_HOST_PREFIX } from '../../platform/concurrency/worker-id.js';

/**
 * What a process that died had begun goes on record as begun, and can be taken again. Only here does anything pass from a
 * holder that is silent: so no attempt is forgotten, whoever makes the next one. Streams are locked before deliveries, both
 * by id. Whether an attempt is still in doubt is asked with the lock: its end may have been recorded while this waited for it.
 */
const REAP_EXPIRED = `
  WITH silent AS (
    SELECT id FROM callback_queues WHERE lease_until < clock_timestamp() ORDER BY id FOR UPDATE
  ), ended AS (
    DELETE FROM callback_queues s USING silent WHERE s.id = silent.id
    RETURNING s.started, s.started_numbers, s.started_at
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
  FROM counted ON CONFLICT (request_id, attempt_number) DO NOTHING`;

/** All SQL of the processes that hold streams and retries: which are there, and what the dead leave behind. */
@Injectable()
export class DispatchLeasesStore {
  constructor(private readonly database: Database) {}

  /** Everybody on this host who holds a lease. */
  async onThisHost(): Promise<string[]> {
    const text = `SELECT leased_by AS holder FROM callback_deliveries
      WHERE leased_by IS NOT NULL AND starts_with(leased_by, $1)
      UNION SELECT leased_by FROM callback_queues WHERE starts_with(leased_by, $1)`;
    const rows = await this.database.query<{ holder: string }>({ name: 'delivery_workers', text }, [
      WORKER_HOST_PREFIX,
    ]);
    return rows.map(({ holder }) => holder);
  }

  /** Ends the leases of holders that are dead; {@link reapExpired} does the rest. */
  async expire(holders: string[]): Promise<void> {
    const ended = (table: string, at: string): string => `WITH held AS (
        SELECT id FROM ${table} WHERE leased_by = ANY ($1::text[]) ORDER BY id FOR UPDATE
      )
      UPDATE ${table} t SET lease_until = ${at} FROM held WHERE t.id = held.id`;
    // Two statements: one that held deliveries while it waits for a stream would meet who buries halfway.
    await this.database.query({ name: 'queue_expire', text: ended('callback_queues', `'-infinity'`) }, [holders]);
    const text = ended('callback_deliveries', 'clock_timestamp()');
    await this.database.query({ name: 'delivery_expire', text }, [holders]);
  }

  /** Puts on record what silent holders had begun, and gives it free. */
  async reapExpired(): Promise<void> {
    await this.database.query({ name: 'delivery_reap', text: REAP_EXPIRED });
  }
}
