import { Injectable } from '@nestjs/common';
import type { AccountId } from '../platform/tenant.js';
import { Database } from '../platform/database/database.js';
import type { RequestMode, RequestStatus } from './request.entity.js';

/** One row of `requests` as the wire needs it. */
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
  r.result_payload, r.file_key, r.error, r.callback_url, r.idempotency_key, r.created_at, r.started_at, r.completed_at
  FROM requests r`;

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
}
