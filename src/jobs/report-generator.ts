import { Injectable } from '@nestjs/common';
import { FileStore } from '../reports/storage/file-store.js';
import { ReportsService } from '../reports/reports.service.js';
import type { Completion, Job } from './job.js';

/** A spooled file that nobody has touched for so long is nobody's. Longer than any report takes. */
const LEFTOVER_AGE_MS = 86_400_000;

/** A request of which so many processes have died is not made again. */
const MAX_CRASHES = 3;
const POISON_MESSAGE = 'Its worker process died three times while making it';

/** What came of making one report, and how long that took. Exactly one of result and error is set. */
export type Made = Pick<Completion, 'result' | 'fileKey' | 'error'> & { tookMs: number };

/** Of this request a process has died before, and another such request is being made here just now. */
export class SuspectWaits extends Error {
  /** So long whoever wants it made gives it back. */
  readonly pauseMs = 100;
}

/** Makes reports and brings their files into the store together with the transaction that makes them results. */
@Injectable()
export class ReportGenerator {
  private hasSuspect = false;

  constructor(
    private readonly reports: ReportsService,
    private readonly files: FileStore,
  ) {}

  /** About how long a request takes, in milliseconds; Infinity where nobody knows, and for one to be made alone. */
  expectedMs({ report, params, crashCount }: Job): number {
    return crashCount === 0 ? this.reports.expectedMs(report, params) : Number.POSITIVE_INFINITY;
  }

  /**
   * Makes requests of one mode one after the other. A report that fails is a result too.
   * @throws StorageUnavailable, PoolFull, PoolClosed: nothing can be made now; SuspectWaits.
   */
  async make(jobs: Job[]): Promise<Made[]> {
    // A request that a process has died of comes alone.
    const [{ crashCount }] = jobs as [Job];
    if (crashCount === 0) return this.makeAll(jobs);
    if (crashCount >= MAX_CRASHES) return [{ result: null, fileKey: null, error: POISON_MESSAGE, tookMs: 0 }];
    // One at a time: else what kills the process would take the same others with it each time, and they would fail too.
    if (this.hasSuspect) throw new SuspectWaits('Another request that a process has died of is being made here');
    this.hasSuspect = true;
    try {
      return await this.makeAll(jobs);
    } finally {
      this.hasSuspect = false;
    }
  }

  private async makeAll(jobs: Job[]): Promise<Made[]> {
    const orders = jobs.map(({ id, report, format, params }) => ({ type: report, params, format, requestId: id }));
    const generated = await this.reports.generate(jobs[0]!.mode, orders);
    return generated.map((one) => {
      const { result, fileKey } = 'outcome' in one ? one.outcome : { result: null, fileKey: null };
      return { result, fileKey, error: 'error' in one ? one.error.message : null, tookMs: one.tookMs };
    });
  }

  /**
   * Makes the files durable, then writes what refers to them. What nothing came to refer to goes again.
   * @param write Gives the ids of the requests that are finished now; null when the work has passed to somebody else.
   * @returns Whether it is still ours.
   */
  async publish(
    made: { id: string; fileKey: string | null }[],
    write: () => Promise<ReadonlySet<string> | null>,
  ): Promise<boolean> {
    const files = made.flatMap(({ id, fileKey }) => (fileKey === null ? [] : [{ id, fileKey }]));
    if (files.length > 0) await this.files.commit(files.map(({ fileKey }) => fileKey));
    const finished = await write();
    const unused = files.filter(({ id }) => !finished?.has(id)).map(({ fileKey }) => fileKey);
    if (unused.length > 0) await this.files.remove(unused);
    return finished !== null;
  }

  /** Throws away what processes that died left half-written. */
  async clearLeftovers(): Promise<void> {
    await this.files.clearSpool(LEFTOVER_AGE_MS);
  }
}
