import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { type StateRows, commonRows, countsText, pageText, statusRows } from '../../platform/database/bounded-rows.js';
import type { JobCounts, JobState } from '../../queue/jobs/queue-jobs.js';
import { RequestRecord, type RequestStatus } from '../request.entity.js';

/** A request, without a payload or result that is too long to show in a list. */
export interface RequestJobRow {
  id: string;
  accountId: string | null;
  mode: string;
  status: RequestStatus;
  report: string;
  format: string;
  lane: string | null;
  queuePosition: number | null;
  createdAt: Date;
  startedAt: Date | null;
  completedAt: Date | null;
  leasedBy: string | null;
  callbackUrl: string | null;
  error: string | null;
  input: object | null;
  result: object | null;
}

/** Bytes of a payload or a result that is shown. */
const SHOWN_BYTES = 4_096;

const STATES: Record<JobState, StateRows | null> = {
  waiting: statusRows('requests', ['PENDING']),
  active: statusRows('requests', ['PROCESSING']),
  // A request does not wait for a time.
  delayed: null,
  completed: commonRows('requests', { common: 'COMPLETED', pending: 'PENDING' }),
  failed: statusRows('requests', ['FAILED', 'CANCELLED']),
};

const COUNTS = countsText(
  Object.fromEntries(Object.entries(STATES).filter(([, rows]) => rows)) as Record<string, StateRows>,
);

const shown = (column: string): string =>
  `CASE WHEN octet_length(${column}::text) <= ${SHOWN_BYTES} THEN ${column} END`;

const READ = `SELECT id, account_id AS "accountId", mode, status, report, format, lane, queue_position AS "queuePosition",
    created_at AS "createdAt", started_at AS "startedAt", completed_at AS "completedAt", leased_by AS "leasedBy",
    callback_url AS "callbackUrl", error, ${shown('input_payload')} AS input, ${shown('result_payload')} AS result
  FROM requests WHERE id = ANY ($1::uuid[])`;

/** Requests by the state of their job. Hand-written, because each statement is bounded by the index that it reads. */
@Injectable()
export class RequestJobsRepository {
  constructor(@InjectRepository(RequestRecord) private readonly requests: Repository<RequestRecord>) {}

  async counts(): Promise<JobCounts> {
    const [row] = await this.requests.query<Omit<JobCounts, 'delayed'>[]>(COUNTS);
    return { ...row!, delayed: 0 };
  }

  /** @returns The ids of a page, newest first. */
  async ids(state: JobState, offset: number, limit: number): Promise<string[]> {
    const rows = STATES[state];
    if (!rows) return [];
    return (await this.requests.query<{ id: string }[]>(pageText(rows), [limit, offset])).map(({ id }) => id);
  }

  /** @returns Those requests that exist, in any order. */
  read(ids: readonly string[]): Promise<RequestJobRow[]> {
    return this.requests.query<RequestJobRow[]>(READ, [ids]);
  }
}
