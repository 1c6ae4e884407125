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

/** Port: the jobs of a queue, for the queue board. Each feature implements it over its own tables. */
export abstract class QueueJobs {
  abstract readonly queue: QueueName;
  /** Whether failed jobs can be retried. */
  abstract readonly retries: boolean;

  /** @returns The number of jobs in each state, each up to `MOST_COUNTED`. */
  abstract counts(): Promise<JobCounts>;

  /** @returns Up to `limit` jobs in a state, from an offset below `MOST_COUNTED`. */
  abstract list(state: JobState, offset: number, limit: number): Promise<Job[]>;

  /** @returns Null for an unknown id, and for one that is not a UUID. */
  abstract find(id: string): Promise<Job | null>;

  /** @returns One line for each of the newest attempts, oldest first. */
  abstract logs(id: string): Promise<string[]>;

  /** Retries a failed job as the API does. A job that has not failed is left unchanged. */
  abstract retry(id: string): Promise<void>;
}
