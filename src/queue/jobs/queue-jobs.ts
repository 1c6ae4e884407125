import { validate as isUuid } from 'uuid';
import type { QueueName } from '../pauses/queue-name.js';

/** States of a job, as the queue board names them. docs/operations.md maps the states of each feature to them. */
export const JOB_STATES = ['waiting', 'active', 'delayed', 'completed', 'failed'] as const;
export type JobState = (typeof JOB_STATES)[number];

export type JobCounts = Record<JobState, number>;

/** A row of a feature's table, as operators see it. It has no secret. */
export interface Job {
  id: string;
  /** A description in one line. */
  name: string;
  state: JobState;
  data: object;
  /** Attempts that have ended. */
  attempts: number;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
  /** When a delayed job is due. */
  dueAt: Date | null;
  /** Worker id of the process that works on it. */
  leasedBy: string | null;
  /** The reason why it failed or is not done yet. */
  error: string | null;
  result: object | null;
}

/** Port: the jobs of a queue, for the queue board. Each feature implements it over the rows of its own tables. */
export abstract class QueueJobs<Row extends { id: string } = { id: string }> {
  abstract readonly queue: QueueName;
  /** Whether failed jobs can be retried. */
  abstract readonly retries: boolean;

  /** @returns The number of jobs in each state, each up to `MOST_COUNTED`. */
  abstract counts(): Promise<JobCounts>;

  /** @returns Up to `limit` jobs in a state, from an offset below `MOST_COUNTED`. */
  async list(state: JobState, offset: number, limit: number): Promise<Job[]> {
    const ids = await this.ids(state, offset, limit);
    const rows = new Map((await this.rows(ids)).map((row) => [row.id, row]));
    // A row that was deleted in between is left out.
    return ids.flatMap((id) => rows.get(id) ?? []).map((row) => this.job(row));
  }

  /** @returns Null for an unknown id, and for one that is not a UUID. */
  async find(id: string): Promise<Job | null> {
    const row = await this.row(id);
    return row && this.job(row);
  }

  /** @returns One line for each of the newest attempts, oldest first. */
  abstract logs(id: string): Promise<string[]>;

  /** Retries a failed job as the API does. A job that has not failed is left unchanged. */
  abstract retry(id: string): Promise<void>;

  /** @returns The row of a job. Null for an unknown id, and for one that is not a UUID. */
  protected async row(id: string): Promise<Row | null> {
    const [row] = isUuid(id) ? await this.rows([id]) : [];
    return row ?? null;
  }

  /** @returns The ids of the jobs in a state, in the order of the list. */
  protected abstract ids(state: JobState, offset: number, limit: number): Promise<string[]>;

  /** @returns The rows with these ids, in any order. */
  protected abstract rows(ids: string[]): Promise<Row[]>;

  protected abstract job(row: Row): Job;
}
