import { Injectable } from '@nestjs/common';
import { OPEN_INSTALLATION, laneName } from '../../platform/tenant.js';
import { type Job, type JobCounts, QueueJobs, type JobState } from '../../queue/jobs/queue-jobs.js';
import { type CallbackAttempt, RequestCallbacks } from '../../requests/request-callbacks.js';
import { CallbackDeliveriesService } from './callback-deliveries.service.js';
import { type CallbackJobRow, CallbackJobsRepository } from './callback-jobs.repository.js';

/** Attempts that the log of a job shows. */
const SHOWN_ATTEMPTS = 200;

/** The queue `callbacks` of the board: every delivery is a job. A retry is a redelivery. */
@Injectable()
export class CallbackJobs extends QueueJobs<CallbackJobRow> {
  readonly queue = 'callbacks';
  readonly retries = true;

  constructor(
    private readonly jobs: CallbackJobsRepository,
    private readonly deliveries: CallbackDeliveriesService,
    private readonly callbacks: RequestCallbacks,
  ) {
    super();
  }

  counts(): Promise<JobCounts> {
    return this.jobs.counts();
  }

  async logs(id: string): Promise<string[]> {
    const row = await this.row(id);
    return row ? (await this.callbacks.newestAttempts(row.requestId, SHOWN_ATTEMPTS)).map(logLine) : [];
  }

  async retry(id: string): Promise<void> {
    const row = await this.row(id);
    if (row?.status !== 'FAILED') return;
    const account = row.accountId === OPEN_INSTALLATION ? null : row.accountId;
    await this.deliveries.redeliver(row.requestId, account);
  }

  protected ids(state: JobState, offset: number, limit: number): Promise<string[]> {
    return this.jobs.ids(state, offset, limit);
  }

  protected rows(ids: string[]): Promise<CallbackJobRow[]> {
    return this.jobs.read(ids);
  }

  protected job(row: CallbackJobRow): Job {
    return jobOf(row);
  }
}

function stateOf({ status, isActive, attempts }: CallbackJobRow): JobState {
  if (status !== 'PENDING') return status === 'SUCCESS' ? 'completed' : 'failed';
  if (isActive) return 'active';
  return attempts > 0 ? 'delayed' : 'waiting';
}

function jobOf(row: CallbackJobRow): Job {
  const state = stateOf(row);
  return {
    id: row.id,
    name: `Callback to ${row.destination}`,
    state,
    data: {
      account: row.accountId === OPEN_INSTALLATION ? 'open' : row.accountId,
      status: row.status,
      webhook_id: `msg_${row.id}`,
      request_id: row.requestId,
      destination: row.destination,
      lane: laneName(row.lane),
      queue_position: row.queuePosition,
    },
    attempts: row.attempts,
    createdAt: row.createdAt,
    startedAt: null,
    finishedAt: row.finishedAt,
    dueAt: state === 'delayed' ? row.nextAttemptAt : null,
    leasedBy: row.leasedBy,
    error: row.error,
    result: null,
  };
}

function logLine({ attemptNumber, trigger, success, statusCode, errorMessage, ...trace }: CallbackAttempt): string {
  const outcome = success === null ? 'its end is not recorded' : success ? 'delivered' : 'failed';
  const status = statusCode === null ? '' : `, status ${statusCode}`;
  const took = trace.responseTimeMs === null ? '' : ` after ${Math.round(trace.responseTimeMs)} ms`;
  const why = errorMessage === null ? '' : `: ${errorMessage}`;
  return `${trace.attemptedAt.toISOString()} attempt ${attemptNumber} (${trigger}): ${outcome}${status}${took}${why}`;
}
