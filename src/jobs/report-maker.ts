import { Injectable } from '@nestjs/common';
import { FileStore } from '../reports/file-store.js';
import { ReportsService } from '../reports/reports.service.js';
import type { Completion, Job } from './jobs.store.js';

/** A spooled file that nobody has touched for so long is nobody's. Longer than any report takes. */
const LEFTOVER_AGE_MS = 86_400_000;

/** What came of making one report, and how long that took. Exactly one of result and error is set. */
export type Made = Pick<Completion, 'result' | 'fileKey' | 'error'> & { tookMs: number };

/** Makes reports and brings their files into the store together with the transaction that makes them results. */
@Injectable()
export class ReportMaker {
  constructor(
    private readonly reports: ReportsService,
    private readonly files: FileStore,
  ) {}

  /** Whether a request takes so little that it is made together with those next to it. */
  isQuick({ report, params }: Job): boolean {
    return this.reports.isQuick(report, params);
  }

  /**
   * Makes requests of one mode one after the other. A report that fails is a result too.
   * @throws StorageUnavailable, PoolFull, PoolClosed: nothing can be made now.
   */
  async make(jobs: Job[]): Promise<Made[]> {
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
