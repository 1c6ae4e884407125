import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Job } from '../../src/jobs/job.js';
import type { CompletedBatch, LaneLease } from '../../src/jobs/lanes/jobs.store.js';
import { LaneRun } from '../../src/jobs/lanes/lane-run.js';
import type { Made } from '../../src/jobs/report-generator.js';

/** When the lane was taken, by the database's clock. */
export const LEASED_AT = new Date('2026-03-01T12:00:00.000Z');

interface Commit extends CompletedBatch {
  end(isHeld: boolean): void;
  fail(error: unknown): void;
}

interface Making {
  resolve(made: Made): void;
  reject(error: unknown): void;
}

/** The request at a position of the lane; its id is its position. */
export function job(queuePosition: number, callbackUrl: string | null = null): Job {
  const id = String(queuePosition);
  const what = { id, mode: 'async', report: 'digest', format: 'json', params: {}, callbackUrl } as const;
  return { ...what, queuePosition, leaseEpoch: 0, crashCount: 0 };
}

/** Requests at these positions, both included. */
export function jobs(first: number, last: number): Job[] {
  return Array.from({ length: last - first + 1 }, (_, index) => job(first + index));
}

/** A run of a lane whose reports and commits end when the test says so. */
export class LaneBench {
  /** Positions whose report was begun, in order. */
  readonly begun: number[] = [];
  /** How many were made in one go, each time. */
  readonly together: number[] = [];
  readonly commits: Commit[] = [];
  /** Behind which positions the run has looked for more. */
  readonly looked: number[] = [];
  /** Set `isolateUntil` before the run begins. */
  readonly lane: LaneLease = { name: 'default', epoch: 7, startedAt: LEASED_AT, lostBy: null, isolateUntil: 0 };
  mayContinue = true;
  /** What such a look finds: by default nothing. */
  readAfter: (queuePosition: number) => Promise<Job[]> = () => Promise.resolve([]);
  private readonly making = new Map<number, Making>();
  private readonly run = new LaneRun(this.lane, {
    readAfter: (queuePosition) => {
      this.looked.push(queuePosition);
      return this.readAfter(queuePosition);
    },
    expectedMs: ({ params }) => ('ms' in params ? Number(params.ms) : Number.POSITIVE_INFINITY),
    make: (given) => {
      this.begun.push(...given.map(({ queuePosition }) => queuePosition));
      this.together.push(given.length);
      return Promise.all(
        given.map(
          ({ queuePosition }) =>
            new Promise<Made>((resolve, reject) => this.making.set(queuePosition, { resolve, reject })),
        ),
      );
    },
    commit: (batch) => new Promise((end, fail) => this.commits.push({ ...batch, end, fail })),
    mayContinue: () => this.mayContinue,
  });

  /** Begins the run. Its result is wrapped, for a promise that is returned would be waited for. */
  async start(given: Job[]): Promise<{ result: Promise<boolean> }> {
    const result = this.run.run(given);
    result.catch(() => undefined);
    await nextTurn();
    return { result };
  }

  /** Ends reports one after the other, and gives their commits time to begin. */
  async made(first: number, last = first, made: Partial<Made> = {}): Promise<void> {
    for (let position = first; position <= last; position++) {
      this.making.get(position)!.resolve({ result: '{}', fileKey: null, error: null, tookMs: 1, ...made });
      await nextTurn();
      await nextTurn();
    }
  }

  async makingFailed(position: number, error: unknown): Promise<void> {
    this.making.get(position)!.reject(error);
    await nextTurn();
  }

  async committed(isHeld = true): Promise<void> {
    this.commits.at(-1)!.end(isHeld);
    await nextTurn();
  }

  async commitFailed(error: unknown): Promise<void> {
    this.commits.at(-1)!.fail(error);
    await nextTurn();
  }

  /** What each commit wrote, which position it marked as begun, and whether it gave the lane back. */
  get written(): { done: number[]; begun: number | null; release: boolean }[] {
    return this.commits.map(({ completions, begun, release }) => {
      return { done: completions.map(({ id }) => Number(id)), begun: begun && Number(begun.id), release };
    });
  }
}
