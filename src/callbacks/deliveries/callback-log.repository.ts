import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { ClientBase } from 'pg';
import type { Repository } from 'typeorm';
import { Database } from '../../platform/database/database.js';
import { fromJsonColumn, jsonColumn } from '../../platform/database/json-column.js';
import type { AttemptTrace } from '../transport/attempt-trace.js';
import type { CallbackOutcome } from '../transport/send-callback.js';
import type { DeliveryStatus } from './callback-delivery.entity.js';
import { type AttemptTrigger, CallbackLog } from './callback-log.entity.js';

/** An attempt that has ended, and the state of its delivery from then on. */
export interface AttemptRecord {
  deliveryId: string;
  requestId: string;
  url: string;
  attemptNumber: number;
  trigger: AttemptTrigger;
  attemptedAt: Date;
  outcome: CallbackOutcome;
  status: DeliveryStatus;
  /** Why it is not delivered; null when it is. */
  reason: string | null;
  /** Time of the next attempt by `performance.now()` of this process; null if there is none. */
  retryAtMs: number | null;
}

/**
 * Moves deliveries and inserts the logs of their attempts. The attempt number guards the move: the first record of an attempt decides
 * what follows. A later one, of an attempt that was already reaped as lost, only fills in its own log row. Attempts of deleted
 * deliveries are dropped.
 *
 * Lock order is that of every other statement: deliveries by id, then logs. The count of `moved` in the INSERT is always true;
 * it makes Postgres lock and move deliveries first. Deliveries are looked up by id and `finished_at`: with a condition on `status`
 * a plan made while the tables are small would use the index of pending deliveries, dead entries included.
 */
const RECORD_ATTEMPTS = {
  name: 'delivery_record',
  text: `
  WITH attempt AS (
    SELECT * FROM unnest(
      $1::uuid[], $2::text[], $3::float8[], $4::uuid[], $5::integer[], $6::text[], $7::text[], $8::boolean[],
      $9::timestamptz[], $10::text[], $11::text[], $12::text[], $13::integer[], ${fromJsonColumn('$14')}::json[],
      $15::integer[], $16::text[], ${fromJsonColumn('$17')}::json[], $18::text[], $19::real[], $20::real[], $21::real[],
      $22::real[], $23::real[], $24::text[]
    ) AS t (
      delivery_id, status, retry_in_ms, request_id, attempt_number, trigger, url, success,
      attempted_at, error_kind, error_message, dialled_address, status_code, request_headers,
      body_bytes, body_sha256, response_headers, response_body, dns_ms, connect_ms, tls_ms,
      first_byte_ms, response_time_ms, reason
    )
  ), locked AS (
    SELECT d.id, a.status, a.reason, now() + a.retry_in_ms * interval '1 millisecond' AS next_attempt_at,
      CASE WHEN a.error_kind = 'dns' THEN d.waiting_since END AS waiting_since,
      d.finished_at IS NULL AND d.attempts + d.unknown + 1 = a.attempt_number AS is_first_record
    FROM callback_deliveries d JOIN attempt a ON a.delivery_id = d.id
    WHERE d.id = ANY ($1::uuid[]) ORDER BY d.id FOR UPDATE OF d
  ), moved AS (
    UPDATE callback_deliveries d SET status = l.status, attempts = d.attempts + 1, error = l.reason,
      waiting_since = l.waiting_since, next_attempt_at = coalesce(l.next_attempt_at, d.next_attempt_at), leased_by = NULL, lease_until = NULL,
      finished_at = CASE WHEN l.status <> 'PENDING' THEN now() END
    FROM locked l WHERE d.id = l.id AND l.is_first_record RETURNING d.id
  )
  INSERT INTO callback_logs (
    request_id, attempt_number, trigger, url, success, attempted_at, error_kind, error_message, dialled_address,
    status_code, request_headers, body_bytes, body_sha256, response_headers, response_body, dns_ms, connect_ms, tls_ms,
    first_byte_ms, response_time_ms, next_attempt_at
  )
  SELECT
    request_id, attempt_number, trigger, url, success, attempted_at, error_kind, error_message, dialled_address,
    status_code, request_headers, body_bytes, body_sha256, response_headers, response_body, dns_ms, connect_ms, tls_ms,
    first_byte_ms, response_time_ms, now() + retry_in_ms * interval '1 millisecond'
  FROM attempt
  WHERE delivery_id IN (SELECT id FROM locked) AND (SELECT count(*) FROM moved) >= 0
  ON CONFLICT (request_id, attempt_number) DO UPDATE SET
    trigger = excluded.trigger, url = excluded.url, success = excluded.success, attempted_at = excluded.attempted_at,
    error_kind = excluded.error_kind, error_message = excluded.error_message,
    dialled_address = excluded.dialled_address, status_code = excluded.status_code,
    request_headers = excluded.request_headers, body_bytes = excluded.body_bytes, body_sha256 = excluded.body_sha256,
    response_headers = excluded.response_headers, response_body = excluded.response_body, dns_ms = excluded.dns_ms,
    connect_ms = excluded.connect_ms, tls_ms = excluded.tls_ms, first_byte_ms = excluded.first_byte_ms,
    response_time_ms = excluded.response_time_ms, next_attempt_at = excluded.next_attempt_at
  WHERE callback_logs.success IS NULL`,
};

/** Headers and bodies are kept of the first attempt of a callback and of this many newest ones. */
export const KEPT_IN_FULL = 50;
/** Attempts that one statement empties for each callback. More than one, so that a crash leaves none behind. */
const EMPTIED_AT_ONCE = 10;

/** Reads ten rows of each callback by their key, however many attempts it has had. */
const EMPTY_OLD = `
  UPDATE callback_logs l SET request_headers = NULL, response_headers = NULL, response_body = NULL
  FROM unnest($1::uuid[], $2::integer[]) AS newest (request_id, attempt_number)
  WHERE l.request_id = newest.request_id
    AND l.attempt_number BETWEEN greatest(2, newest.attempt_number - ${KEPT_IN_FULL + EMPTIED_AT_ONCE - 1})
      AND newest.attempt_number - ${KEPT_IN_FULL}
    AND (l.request_headers IS NOT NULL OR l.response_headers IS NOT NULL OR l.response_body IS NOT NULL)`;

/**
 * The attempt log. `Repository.insert(rows)` builds a statement with a parameter for every value of every row, which costs
 * 40 % of the callback rate; here a batch is one prepared statement with an array for each column.
 */
@Injectable()
export class CallbackLogRepository {
  constructor(
    @InjectRepository(CallbackLog) private readonly logs: Repository<CallbackLog>,
    private readonly database: Database,
  ) {}

  /**
   * Persists a batch of attempts and moves their deliveries, in one statement. Recording an attempt again changes nothing. Old
   * attempts of a callback that is sent again and again keep their row, without headers and body.
   * @throws DatabaseUnavailable
   */
  async record(attempts: AttemptRecord[]): Promise<void> {
    const runner = this.logs.manager.dataSource.createQueryRunner();
    try {
      // `Repository.query` cannot name a statement: Postgres would plan it anew each time, which takes half as long again.
      const query = this.database.on((await runner.connect()) as ClientBase);
      await query(RECORD_ATTEMPTS, valuesOf(attempts));
      // After a few redeliveries at the earliest, so nearly every batch is one statement.
      const later = attempts.filter(({ attemptNumber }) => attemptNumber > KEPT_IN_FULL + 1);
      if (later.length > 0) {
        const newest = [later.map(({ requestId }) => requestId), later.map(({ attemptNumber }) => attemptNumber)];
        await query({ name: '', text: EMPTY_OLD }, newest);
      }
    } finally {
      await runner.release();
    }
  }
}

/** The parameters of {@link RECORD_ATTEMPTS}. */
function valuesOf(attempts: AttemptRecord[]): unknown[] {
  const column = <T>(value: (attempt: AttemptRecord) => T): T[] => attempts.map(value);
  const trace = <K extends keyof AttemptTrace>(key: K): AttemptTrace[K][] =>
    column(({ outcome }) => outcome.trace[key]);
  const json = (values: (object | null)[]): string =>
    jsonColumn(values.map((value) => (value === null ? null : JSON.stringify(value))));
  const nowMs = performance.now();
  return [
    column(({ deliveryId }) => deliveryId),
    column(({ status }) => status),
    // A duration and not a time: the clocks of a worker and of the database may differ.
    column(({ retryAtMs }) => (retryAtMs === null ? null : retryAtMs - nowMs)),
    column(({ requestId }) => requestId),
    column(({ attemptNumber }) => attemptNumber),
    column(({ trigger }) => trigger),
    column(({ url }) => url),
    column(({ status }) => status === 'SUCCESS'),
    column(({ attemptedAt }) => attemptedAt),
    column(({ outcome }) => outcome.errorKind),
    column(({ outcome }) => outcome.errorMessage),
    trace('dialledAddress'),
    trace('status'),
    json(trace('requestHeaders')),
    trace('bodyBytes'),
    trace('bodySha256'),
    json(trace('responseHeaders')),
    trace('responseBody'),
    trace('dnsMs'),
    trace('connectMs'),
    trace('tlsMs'),
    trace('firstByteMs'),
    trace('totalMs'),
    column(({ reason }) => reason),
  ];
}
