import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Job } from '../../src/jobs/job.js';
import type { CompletedBatch } from '../../src/jobs/lanes/jobs.store.js';
import type { LaneLease } from '../../src/jobs/lanes/lane-lease.store.js';
import { LaneRun } from '../../src/jobs/lanes/lane-run.js';
import type { GeneratedReport } from '../../src/jobs/report-generator.js';

/** When the lane was leased, by the database's clock. */
export const LEASED_AT = new Date('2026-03-01T12:00:00.000Z');

interface Commit extends CompletedBatch {
  end(finished: Set<string> | null): void;
  fail(error: unknown): void;
}

interface Generating {
  resolve(report: GeneratedReport): void;
  reject(error: unknown): void;
}

/** The request at a position of the lane; its id is its position. */
export function job(queuePosition: number, callbackUrl: string | null = null): Job {
  const id = String(queuePosition);
  const request = {
    id,
    mode: 'async',
    account: null,
    report: 'digest',
    format: 'json',
    params: {},
    callbackUrl,
  } as const;
  return { ...request, queuePosition, leaseEpoch: 0, crashCount: 0 };
}

/** Requests at these positions, both included. */
export function jobs(first: number, last: number): Job[] {
  return Array.from({ length: last - first + 1 }, (_, index) => job(first + index));
}

/** A run of a lane whose reports and commits end when the test ends them. */
export class LaneBench {
  /** Positions of started reports, in order. */
  readonly begun: number[] = [];
  /** The size of each group that was generated together. */
  readonly groups: number[] = [];
  readonly commits: Commit[] = [];
  /** The positions after which the run has read. */
  readonly reads: number[] = [];
  /** The topics of the wake-ups. */
  readonly wakes: string[] = [];
  /** Set `isolateUntil` before the run starts. */
  readonly lane: LaneLease = { name: 'default', epoch: 7, startedAt: LEASED_AT, lostBy: null, isolateUntil: 0 };
  isLeaseSafe = true;
  isPaused = false;
  readonly draining = new AbortController();
  readonly yielding = new AbortController();
  /** Finds nothing, unless the test replaces it. */
  readAfter: (queuePosition: number) => Promise<Job[]> = () => Promise.resolve([]);
  private head: Job[] = [];
  private readonly generating = new Map<number, Generating>();
  private readonly run = new LaneRun(this.lane, {
    store: {
      begin: () => Promise.resolve(this.head),
      readAfter: (_, position) => {
        this.reads.push(position);
        return this.readAfter(position);
      },
      complete: (_, batch) => new Promise((end, fail) => this.commits.push({ ...batch, end, fail })),
    },
    generator: {
      expectedMs: ({ params }) => ('ms' in params ? Number(params.ms) : Number.POSITIVE_INFINITY),
      generate: (group) => {
        this.begun.push(...group.map(({ queuePosition }) => queuePosition));
        this.groups.push(group.length);
        return Promise.all(
          group.map(
            ({ queuePosition }) =>
              new Promise<GeneratedReport>((resolve, reject) =>
                this.generating.set(queuePosition, { resolve, reject }),
              ),
          ),
        );
      },
      publish: async (_, write) => (await write()) !== null,
    },
    leases: { isSafe: () => this.isLeaseSafe },
    queue: { wake: (topic) => this.wakes.push(topic) },
    draining: this.draining.signal,
    yielding: this.yielding.signal,
    isPaused: () => this.isPaused,
    leaseMs: 15_000,
  });

  /** Starts the run at this head of the lane. The result is wrapped, because a returned promise would be awaited. */
  async start(head: Job[]): Promise<{ result: Promise<boolean> }> {
    this.head = head;
    const result = this.run.run();
    result.catch(() => undefined);
    await nextTurn();
    return { result };
  }

  /** Ends reports one after the other, and waits for their commits to start. */
  async generated(first: number, last = first, report: Partial<GeneratedReport> = {}): Promise<void> {
    for (let position = first; position <= last; position++) {
      this.generating
        .get(position)!
        .resolve({ result: '{}', fileKey: null, fileBytes: null, error: null, tookMs: 1, ...report });
      await nextTurn();
      await nextTurn();
    }
  }

  async generatingFailed(position: number, error: unknown): Promise<void> {
    this.generating.get(position)!.reject(error);
    await nextTurn();
  }

  /** Ends the newest commit. It finishes all requests of its batch, or finds that the lease is lost. */
  async committed(isHeld = true): Promise<void> {
    const commit = this.commits.at(-1)!;
    commit.end(isHeld ? new Set(commit.completions.map(({ id }) => id)) : null);
    await nextTurn();
  }

  async commitFailed(error: unknown): Promise<void> {
    this.commits.at(-1)!.fail(error);
    await nextTurn();
  }

  /**
   * For each commit: the positions that it completed, the one that it marked as begun, and whether it released the
   * lane.
   */
  get written(): { done: number[]; begun: number | null; release: boolean }[] {
    return this.commits.map(({ completions, begun, release }) => {
      return { done: completions.map(({ id }) => Number(id)), begun: begun && Number(begun.id), release };
    });
  }
}
