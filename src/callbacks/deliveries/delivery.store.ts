import { Injectable } from '@nestjs/common';
import type { ClientBase } from 'pg';
import { DataSource } from 'typeorm';
import { Database } from '../../platform/database/database.js';
import { fromJsonColumn, jsonColumn } from '../../platform/database/json-column.js';
import type { AttemptTrigger } from './callback-log.entity.js';
import { type DeliverySelection, selectionConditions } from './delivery-selection.js';
import type { CallbackOutcome } from '../transport/http-transport.js';

export interface DeliveryFilter extends DeliverySelection {
  /** Only deliveries older than this one. */
  beforeId?: string;
  limit: number;
}

export interface DeliveryRow {
  id: string;
  request_id: string;
  url: string;
  destination: string;
  lane: string;
  queue_position: number;
  status: 'PENDING' | 'SUCCESS' | 'FAILED';
  attempts: number;
  error: string | null;
  next_attempt_at: Date;
  created_at: Date;
  finished_at: Date | null;
}

/** How an attempt ended and what follows from it. */
export interface AttemptRecord {
  deliveryId: string;
  requestId: string;
  url: string;
  attemptNumber: number;
  trigger: AttemptTrigger;
  attemptedAt: Date;
  outcome: CallbackOutcome;
  /** Of the delivery, from now on. */
  status: 'PENDING' | 'SUCCESS' | 'FAILED';
  /** By `performance.now()` of this process; null for never. */
  retryAtMs: number | null;
}

/** What a record is written from: column, type, value; of JSON its text. */
const RECORD: [string, string, (record: AttemptRecord) => unknown][] = [
  ['delivery_id', 'uuid', ({ deliveryId }) => deliveryId],
  ['status', 'text', ({ status }) => status],
  // By how long, not when: the clocks of a worker and of the database may differ.
  ['retry_in_ms', 'float8', ({ retryAtMs }) => retryAtMs && retryAtMs - performance.now()],
  ['request_id', 'uuid', ({ requestId }) => requestId],
  ['attempt_number', 'integer', ({ attemptNumber }) => attemptNumber],
  ['trigger', 'text', ({ trigger }) => trigger],
  ['url', 'text', ({ url }) => url],
  ['success', 'boolean', ({ status }) => status === 'SUCCESS'],
  ['attempted_at', 'timestamptz', ({ attemptedAt }) => attemptedAt],
  ['error_kind', 'text', ({ outcome }) => outcome.errorKind],
  ['error_message', 'text', ({ outcome }) => outcome.errorMessage],
  ['dialled_address', 'text', ({ outcome: { trace } }) => trace.dialledAddress],
  ['status_code', 'integer', ({ outcome: { trace } }) => trace.status],
  ['request_headers', 'json', ({ outcome: { trace } }) => JSON.stringify(trace.requestHeaders)],
  ['body_bytes', 'integer', ({ outcome: { trace } }) => trace.bodyBytes],
  ['body_sha256', 'text', ({ outcome: { trace } }) => trace.bodySha256],
  [
    'response_headers',
    'json',
    ({ outcome: { trace } }) => trace.responseHeaders && JSON.stringify(trace.responseHeaders),
  ],
  ['response_body', 'text', ({ outcome: { trace } }) => trace.responseBody],
  ['dns_ms', 'real', ({ outcome: { trace } }) => trace.dnsMs],
  ['connect_ms', 'real', ({ outcome: { trace } }) => trace.connectMs],
  ['tls_ms', 'real', ({ outcome: { trace } }) => trace.tlsMs],
  ['first_byte_ms', 'real', ({ outcome: { trace } }) => trace.firstByteMs],
  ['response_time_ms', 'real', ({ outcome: { trace } }) => trace.totalMs],
];

function columnOf(type: string, parameter: string): string {
  return `${type === 'json' ? fromJsonColumn(parameter) : parameter}::${type}[]`;
}

const LOGGED = RECORD.slice(3).map(([column]) => column);

/**
 * The attempt's number guards the delivery: whoever records an attempt first decides what follows from it, and one that
 * was given up for lost only tells its end. Of a delivery that was deleted meanwhile there is nothing to tell. Rows are
 * locked by id, as everywhere: in any other order two could wait for each other.
 *
 * They are looked up by id alone, and what is pending is told by `finished_at`: with a condition on the status the planner,
 * which plans this while the tables are small, takes the index of all that are pending, with everything that left it since
 * the last vacuum.
 */
const RECORD_TEXT = `
  WITH item AS (
    SELECT * FROM unnest(${RECORD.map(([, type], index) => columnOf(type, `$${index + 1}`)).join(', ')})
      AS t (${RECORD.map(([column]) => column).join(', ')})
  ), locked AS (
    SELECT d.id, i.status, now() + i.retry_in_ms * interval '1 millisecond' AS next,
      d.finished_at IS NULL AND d.attempts + d.unknown + 1 = i.attempt_number AS is_first_told
    FROM callback_deliveries d JOIN item i ON i.delivery_id = d.id
    WHERE d.id = ANY ($1::uuid[]) ORDER BY d.id FOR UPDATE OF d
  ), moved AS (
    UPDATE callback_deliveries d SET status = t.status, attempts = d.attempts + 1,
      next_attempt_at = coalesce(t.next, d.next_attempt_at), leased_by = NULL, lease_until = NULL,
      finished_at = CASE WHEN t.status <> 'PENDING' THEN now() END
    FROM locked t WHERE d.id = t.id AND t.is_first_told RETURNING d.id
  )
  INSERT INTO callback_logs (${LOGGED.join(', ')}, next_attempt_at)
  SELECT ${LOGGED.join(', ')}, now() + retry_in_ms * interval '1 millisecond' FROM item
  WHERE delivery_id IN (SELECT id FROM locked)
    AND (SELECT count(*) FROM moved) >= 0 -- Always: so that deliveries are locked before logs are written, as in reapExpired.
  ON CONFLICT (request_id, attempt_number) DO UPDATE
    SET ${[...LOGGED, 'next_attempt_at'].map((column) => `${column} = excluded.${column}`).join(', ')}
    WHERE callback_logs.success IS NULL`;

/** All SQL of what became of deliveries: their records, and what operators see and do. */
@Injectable()
export class DeliveryStore {
  constructor(
    private readonly database: Database,
    private readonly dataSource: DataSource,
  ) {}

  /** Records attempts: one log row each, and what follows for the delivery. May be told twice. */
  async record(records: AttemptRecord[]): Promise<void> {
    const columns = RECORD.map(([, type, value]) => {
      const values = records.map(value);
      return type === 'json' ? jsonColumn(values as (string | null)[]) : values;
    });
    const runner = this.dataSource.createQueryRunner();
    try {
      // Named, which the runner's own `query` cannot: planned anew each time, it takes half as long again.
      const query = this.database.on((await runner.connect()) as ClientBase);
      await query({ name: 'delivery_record', text: RECORD_TEXT }, columns);
    } finally {
      await runner.release();
    }
  }

  /** Ends deliveries without an attempt. They can be sent again by hand. */
  async refuse(ids: string[], error: string): Promise<void> {
    const text = `WITH locked AS (
        SELECT id FROM callback_deliveries WHERE id = ANY ($1::uuid[]) AND finished_at IS NULL ORDER BY id FOR UPDATE
      )
      UPDATE callback_deliveries d SET status = 'FAILED', error = $2, finished_at = now(), leased_by = NULL,
        lease_until = NULL
      FROM locked WHERE d.id = locked.id`;
    await this.database.query({ name: 'delivery_refuse', text }, [ids, error]);
  }

  /**
   * Owes a delivery anew, with its whole schedule before it. One that is on its way, or has not begun, is left as it is.
   * @returns False when the request owes no callback.
   */
  async redeliver(requestId: string): Promise<boolean> {
    const text = `WITH owed AS (SELECT id FROM callback_deliveries WHERE request_id = $1), again AS (
        UPDATE callback_deliveries d SET status = 'PENDING', schedule_start = d.attempts, next_attempt_at = now(),
          finished_at = NULL, error = NULL, redelivery_id = NULL
        FROM owed WHERE d.id = owed.id AND (d.attempts > 0 OR d.status = 'FAILED') AND d.leased_by IS NULL
      )
      SELECT id FROM owed`;
    return (await this.database.query({ name: 'delivery_again', text }, [requestId])).length > 0;
  }

  /** Newest first. */
  async list(filter: DeliveryFilter): Promise<DeliveryRow[]> {
    const values: unknown[] = [];
    const conditions = selectionConditions(filter, values);
    if (filter.beforeId) conditions.push(`d.id < $${values.push(filter.beforeId)}`);
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const text = `SELECT d.id, d.request_id, d.url, d.destination, d.lane, d.queue_position, d.status, d.attempts,
        d.error, d.next_attempt_at, d.created_at, d.finished_at
      FROM callback_deliveries d ${where} ORDER BY d.id DESC LIMIT $${values.push(filter.limit)}`;
    return this.database.query<DeliveryRow>({ name: '', text }, values);
  }
}
