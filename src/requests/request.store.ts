import { Injectable } from '@nestjs/common';
import type { AccountId } from '../platform/tenant.js';
import { Database } from '../platform/database/database.js';
import type { RequestMode, RequestStatus } from './request.entity.js';
import { SHOWN_ATTEMPTS } from './requests.schema.js';

/** One row of `requests` as the wire needs it, with what its delivery adds. */
export interface RequestRow {
  id: string;
  account_id: AccountId;
  mode: RequestMode;
  status: RequestStatus;
  report: string;
  lane: string | null;
  queue_position: number | null;
  jobs_ahead_at_accept: number | null;
  input_payload: object;
  result_payload: Record<string, unknown> | null;
  file_key: string | null;
  error: string | null;
  callback_url: string | null;
  idempotency_key: string | null;
  created_at: Date;
  started_at: Date | null;
  completed_at: Date | null;
  delivery_status: 'PENDING' | 'SUCCESS' | 'FAILED' | null;
  delivery_attempts: number | null;
}

/** What an attempt did and saw. Of one that was only begun, what its end would bring is null. */
export interface TraceRow {
  url: string;
  dialled_address: string | null;
  request_headers: object | null;
  body_bytes: number | null;
  body_sha256: string | null;
  status_code: number | null;
  response_headers: object | null;
  response_body: string | null;
  success: boolean | null;
  error_kind: string | null;
  error_message: string | null;
  dns_ms: number | null;
  connect_ms: number | null;
  tls_ms: number | null;
  first_byte_ms: number | null;
  response_time_ms: number | null;
  attempted_at: Date;
}

/** One attempt to deliver a request's callback. */
export interface AttemptRow extends TraceRow {
  attempt_number: number;
  trigger: 'first' | 'retry' | 'manual' | 'replay';
  next_attempt_at: Date | null;
}

export interface RequestFilter {
  /** Null for everybody's. */
  account: AccountId;
  mode?: RequestMode;
  status?: RequestStatus;
  report?: string;
  lane?: string;
  /** Only requests older than this one. */
  beforeId?: string;
  limit: number;
}

const ROW = `r.id, r.account_id, r.mode, r.status, r.report, r.lane, r.queue_position, r.jobs_ahead_at_accept, r.input_payload,
  r.result_payload, r.file_key, r.error, r.callback_url, r.idempotency_key, r.created_at, r.started_at, r.completed_at,
  d.status AS delivery_status, d.attempts AS delivery_attempts
  FROM requests r LEFT JOIN callback_deliveries d ON d.request_id = r.id`;

/** All SQL of the request log. */
@Injectable()
export class RequestStore {
  constructor(private readonly database: Database) {}

  async find(id: string): Promise<RequestRow | null> {
    const text = `SELECT ${ROW} WHERE r.id = $1`;
    const [row] = await this.database.query<RequestRow>({ name: 'request_find', text }, [id]);
    return row ?? null;
  }

  /** Newest first. Ids are time-ordered, so the id is the key of the page. */
  async list(filter: RequestFilter): Promise<RequestRow[]> {
    const values: unknown[] = [];
    const conditions = (['mode', 'status', 'report', 'lane'] as const)
      .filter((name) => filter[name] !== undefined)
      .map((name) => `r.${name} = $${values.push(filter[name])}`);
    if (filter.account !== null) conditions.push(`r.account_id = $${values.push(filter.account)}`);
    if (filter.beforeId) conditions.push(`r.id < $${values.push(filter.beforeId)}`);
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const text = `SELECT ${ROW} ${where} ORDER BY r.id DESC LIMIT $${values.push(filter.limit)}`;
    // Unnamed: a plan for each set of filters, made with their values at hand, so that a rare status uses its index.
    return this.database.query<RequestRow>({ name: '', text }, values);
  }

  /**
   * Unfinished requests that stand before that of this position, which is unfinished: all of the lane's, less those from it
   * on. Counting them takes 6 ms with 100,000.
   */
  async jobsAhead(lane: string, queuePosition: number): Promise<number> {
    const text = `SELECT greatest(0, l.pending - (l.next_position - $2) + (
        SELECT count(*) FROM cancelled_positions c WHERE c.lane = l.name AND c.queue_position > $2)) AS ahead
      FROM lanes l WHERE l.name = $1`;
    const [row] = await this.database.query<{ ahead: number }>({ name: 'request_jobs_ahead', text }, [
      lane,
      queuePosition,
    ]);
    return row?.ahead ?? 0;
  }

  /** The newest attempts to deliver a request's callback, in their order, up to {@link SHOWN_ATTEMPTS}. */
  async attempts(requestId: string): Promise<AttemptRow[]> {
    const text = `SELECT * FROM (
        SELECT attempt_number, trigger, url, dialled_address, request_headers, body_bytes, body_sha256, status_code,
          response_headers, response_body, success, error_kind, error_message, dns_ms, connect_ms, tls_ms, first_byte_ms,
          response_time_ms, attempted_at, next_attempt_at
        FROM callback_logs WHERE request_id = $1 ORDER BY attempt_number DESC LIMIT ${SHOWN_ATTEMPTS}
      ) newest ORDER BY attempt_number`;
    return this.database.query<AttemptRow>({ name: 'request_attempts', text }, [requestId]);
  }

  /** How many attempts there were in all. */
  async countAttempts(requestId: string): Promise<number> {
    const text = 'SELECT count(*) AS count FROM callback_logs WHERE request_id = $1';
    const [row] = await this.database.query<{ count: number }>({ name: 'request_count_attempts', text }, [requestId]);
    return row?.count ?? 0;
  }
}
