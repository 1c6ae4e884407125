import { BaseAdapter } from '@bull-board/api/dist/queueAdapters/base.js';
import type {
  JobCounts,
  JobStatus,
  QueueJob,
  QueueJobJson,
  QueueJobOptions,
  QueueMetrics,
  Status,
} from '@bull-board/api/dist/types.js';
import { MethodNotAllowedException } from '@nestjs/common';
import { MOST_COUNTED } from '../../platform/database/bounded-rows.js';
import { type Job, type JobState, JOB_STATES, type QueueJobs } from '../../queue/jobs/queue-jobs.js';
import type { QueuePauses } from '../../queue/pauses/queue-pauses.service.js';

/** The order of the tabs. */
const STATUSES: JobStatus[] = ['active', 'waiting', 'delayed', 'failed', 'completed', 'paused'];

/** The acts that the board does not offer. */
const refuse = (): Promise<never> =>
  Promise.reject(new MethodNotAllowedException('The board retries jobs, and pauses and resumes queues; no more'));

/**
 * A queue of the board, read from Postgres. As with Bull, the waiting jobs of a paused queue have the status `paused`; jobs in
 * hand are finished.
 */
export class PostgresAdapter extends BaseAdapter {
  constructor(
    private readonly jobs: QueueJobs,
    private readonly pauses: QueuePauses,
    description: string,
  ) {
    super('bull', { allowRetries: jobs.retries, allowCompletedRetries: false, description });
  }

  getName(): string {
    return this.jobs.queue;
  }

  getStatuses(): Status[] {
    return ['latest', ...STATUSES];
  }

  getJobStatuses(): JobStatus[] {
    return STATUSES;
  }

  async getJobCounts(): Promise<JobCounts> {
    const [{ waiting, ...counts }, isPaused] = await Promise.all([this.jobs.counts(), this.isPaused()]);
    return { ...counts, waiting: isPaused ? 0 : waiting, paused: isPaused ? waiting : 0 };
  }

  /** @param end The offset of the last job. Of several statuses the newest jobs are returned. */
  async getJobs(statuses: JobStatus[], start = 0, end = start + 9): Promise<QueueJob[]> {
    const limit = Math.min(end + 1, MOST_COUNTED) - start;
    if (limit <= 0) return [];
    const isPaused = await this.isPaused();
    const states = statuses.flatMap((status) => stateOf(status, isPaused) ?? []);
    const lists = await Promise.all(states.map((state) => this.jobs.list(state, start, limit)));
    const jobs = lists.flat();
    // Ids are time-ordered.
    if (lists.length > 1) jobs.sort((a, b) => (a.id < b.id ? 1 : -1));
    return jobs.slice(0, limit).map((job) => this.queueJob(job, isPaused));
  }

  async getJob(id: string): Promise<QueueJob | null> {
    const [job, isPaused] = await Promise.all([this.jobs.find(id), this.isPaused()]);
    return job && this.queueJob(job, isPaused);
  }

  getJobLogs(id: string): Promise<string[]> {
    return this.jobs.logs(id);
  }

  async isPaused(): Promise<boolean> {
    return (await this.pauses.paused()).has(this.jobs.queue);
  }

  async pause(): Promise<void> {
    await this.pauses.pause(this.jobs.queue);
  }

  async resume(): Promise<void> {
    await this.pauses.resume(this.jobs.queue);
  }

  private queueJob(job: Job, isPaused: boolean): QueueJob {
    const state = isPaused && job.state === 'waiting' ? 'paused' : job.state;
    return {
      opts: {},
      toJSON: () => jsonOf(job),
      getState: () => Promise.resolve(state),
      retry: () => this.jobs.retry(job.id),
      promote: refuse,
      remove: refuse,
      update: refuse,
    };
  }

  clean = refuse;
  addJob: (name: string, data: unknown, options: QueueJobOptions) => Promise<QueueJob> = refuse;
  empty = refuse;
  obliterate = refuse;
  promoteAll = refuse;
  removeJobScheduler = refuse;
  updateJobScheduler = refuse;
  runJobSchedulerNow = refuse;
  setGlobalConcurrency = refuse;

  getMetrics(): Promise<QueueMetrics> {
    return Promise.resolve({ meta: { count: 0, prevTS: 0, prevCount: 0 }, data: [], count: 0 });
  }

  getRedisInfo(): Promise<null> {
    return Promise.resolve(null);
  }

  getJobSchedulers(): Promise<never[]> {
    return Promise.resolve([]);
  }

  getJobSchedulersCount(): Promise<number> {
    return Promise.resolve(0);
  }

  getGlobalConcurrency(): Promise<null> {
    return Promise.resolve(null);
  }
}

/** @returns Null for a status that no job has now. */
function stateOf(status: JobStatus, isPaused: boolean): JobState | null {
  if (status === 'paused') return isPaused ? 'waiting' : null;
  if (status === 'waiting' && isPaused) return null;
  return JOB_STATES.find((state) => state === status) ?? null;
}

function jsonOf(job: Job): QueueJobJson {
  const isFailed = job.state === 'failed';
  return {
    id: job.id,
    name: job.name,
    // An error of a job that is not over is that of its last attempt.
    data: job.error !== null && !isFailed ? { ...job.data, last_error: job.error } : job.data,
    progress: 0,
    attemptsMade: job.attempts,
    timestamp: job.createdAt.getTime(),
    // Without it, the page would show the time since 1970 as the duration.
    processedOn: (job.startedAt ?? job.finishedAt)?.getTime() ?? null,
    processedBy: job.leasedBy,
    finishedOn: job.finishedAt?.getTime() ?? null,
    delay: job.dueAt ? Math.max(0, job.dueAt.getTime() - job.createdAt.getTime()) : 0,
    failedReason: isFailed ? (job.error ?? 'Failed') : '',
    stacktrace: [],
    returnvalue: job.result,
    opts: {},
  };
}
