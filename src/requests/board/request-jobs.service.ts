import { Injectable } from '@nestjs/common';
import { laneName } from '../../platform/tenant.js';
import { type Job, type JobCounts, QueueJobs, type JobState } from '../../queue/jobs/queue-jobs.js';
import type { RequestStatus } from '../request.entity.js';
import { type RequestJobRow, RequestJobsRepository } from './request-jobs.repository.js';

const STATE_OF: Record<RequestStatus, JobState> = {
  PENDING: 'waiting',
  PROCESSING: 'active',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'failed',
};

/** The queue `reports` of the board: every request is a job. A failed report is terminal and is not retried. */
@Injectable()
export class RequestJobs extends QueueJobs<RequestJobRow> {
  readonly queue = 'reports';
  readonly retries = false;

  constructor(private readonly requests: RequestJobsRepository) {
    super();
  }

  counts(): Promise<JobCounts> {
    return this.requests.counts();
  }

  /** A report has one attempt, whose error the job shows. */
  logs(): Promise<string[]> {
    return Promise.resolve([]);
  }

  retry(): Promise<void> {
    return Promise.resolve();
  }

  protected ids(state: JobState, offset: number, limit: number): Promise<string[]> {
    return this.requests.ids(state, offset, limit);
  }

  protected rows(ids: string[]): Promise<RequestJobRow[]> {
    return this.requests.read(ids);
  }

  protected job(row: RequestJobRow): Job {
    return jobOf(row);
  }
}

function jobOf(row: RequestJobRow): Job {
  return {
    id: row.id,
    name: `${row.report} (${row.format})${row.lane === null ? ', sync' : ` in lane ${laneName(row.lane)}`}`,
    state: STATE_OF[row.status],
    data: dataOf(row),
    attempts: row.startedAt === null ? 0 : 1,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    finishedAt: row.completedAt,
    dueAt: null,
    leasedBy: row.leasedBy,
    error: row.status === 'CANCELLED' ? 'Cancelled' : row.error,
    result: row.result,
  };
}

/** Of a callback URL only the origin, because paths and queries often carry a token. */
function dataOf({
  id,
  accountId,
  mode,
  status,
  report,
  format,
  lane,
  queuePosition,
  callbackUrl,
  input,
}: RequestJobRow) {
  return {
    account: accountId ?? 'open',
    status,
    mode,
    report,
    format,
    lane: lane && laneName(lane),
    queue_position: queuePosition,
    callback_origin: callbackUrl === null ? null : new URL(callbackUrl).origin,
    input_payload: input ?? `too long to show here; GET /api/requests/${id} has it`,
  };
}
