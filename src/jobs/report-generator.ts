import { Injectable } from '@nestjs/common';
import { storedAccount } from '../platform/tenant.js';
import { ResultStore } from '../reports/storage/packs/result-store.js';
import { ReportsService } from '../reports/reports.service.js';
import { StorageUsage } from '../requests/storage-usage/storage-usage.service.js';
import { CancellationsStore } from './cancellations.store.js';
import type { Completion, Job } from './job.js';

/** The age after which a spooled file is left over from a crash. No report takes this long. */
const LEFTOVER_AGE_MS = 86_400_000;

const NO_REPORT = { result: null, fileKey: null, fileBytes: null };

/** The crash count at which a request fails instead of running again. */
const MAX_CRASHES = 3;
const POISON_MESSAGE = 'Its worker process crashed three times while generating it';

/** The age of the figure that a file is held against. */
const USAGE_MAX_AGE_MS = 1_000;

/** The outcome of one report and its duration. Exactly one of `result` and `error` is set. */
export type GeneratedReport = Pick<Completion, 'result' | 'fileKey' | 'fileBytes' | 'error'> & { tookMs: number };

/** This process is generating another request with a crash count, and such requests run one at a time. */
export class IsolationBusy extends Error {
  /** The request is released for this long. */
  readonly pauseMs = 100;

  constructor() {
    super('Another request that crashed a worker is being generated in this process');
  }
}

/** Generates reports, and publishes their files together with the transaction that refers to them. */
@Injectable()
export class ReportGenerator {
  private isIsolating = false;

  constructor(
    private readonly reports: ReportsService,
    private readonly files: ResultStore,
    private readonly storage: StorageUsage,
    private readonly cancellations: CancellationsStore,
  ) {}

  /** The expected duration in milliseconds; Infinity when it is unknown, and for a request that must run alone. */
  expectedMs({ report, params, crashCount }: Job): number {
    return crashCount === 0 ? this.reports.expectedMs(report, params) : Number.POSITIVE_INFINITY;
  }

  /** Whether the files of reports can be stored, as far as this process knows. */
  canStore(): Promise<boolean> {
    return this.files.canStore();
  }

  /**
   * Generates requests of one mode and account, one after the other. A failed report is an outcome, not an error. A request with a
   * crash count comes alone.
   * @throws StorageUnavailable, PoolFull, PoolClosed: nothing can be generated now.
   * @throws IsolationBusy
   */
  async generate(jobs: Job[]): Promise<GeneratedReport[]> {
    const [{ crashCount }] = jobs as [Job];
    if (crashCount === 0) return this.generateGroup(jobs);
    if (crashCount >= MAX_CRASHES) return [{ ...NO_REPORT, error: POISON_MESSAGE, tookMs: 0 }];
    // Two at a time would both be counted for each crash, and the innocent one would fail, too.
    if (this.isIsolating) throw new IsolationBusy();
    this.isIsolating = true;
    try {
      return await this.generateGroup(jobs);
    } finally {
      this.isIsolating = false;
    }
  }

  private async generateGroup(jobs: Job[]): Promise<GeneratedReport[]> {
    const orders = jobs.map(({ id, report, format, params, account }) => {
      return { type: report, params, format, requestId: id, account: storedAccount(account) };
    });
    const { mode, account } = jobs[0]!;
    const free = this.storage.freeBytes(account, USAGE_MAX_AGE_MS);
    const freeBytes = free instanceof Promise ? await free : free;
    // Only these can be cancelled while they run.
    const generated = this.reports.isCancellable(jobs[0]!.report)
      ? await this.cancellations.during(jobs[0]!.id, (signal) => this.reports.generate(mode, orders, freeBytes, signal))
      : await this.reports.generate(mode, orders, freeBytes);
    return generated.map((one) => {
      const { result, fileKey, fileBytes } = 'outcome' in one ? one.outcome : NO_REPORT;
      this.storage.add(account, fileBytes ?? 0);
      return { result, fileKey, fileBytes, error: 'error' in one ? one.error.message : null, tookMs: one.tookMs };
    });
  }

  /**
   * Makes files durable, then runs the write that refers to them, and removes the files that nothing refers to.
   * @param write Returns the ids of the requests that are finished now; null when another worker has taken over.
   * @returns Whether this worker still held the lease.
   */
  async publish(
    reports: { id: string; fileKey: string | null }[],
    write: () => Promise<ReadonlySet<string> | null>,
  ): Promise<boolean> {
    const files = reports.flatMap(({ id, fileKey }) => (fileKey === null ? [] : [{ id, fileKey }]));
    if (files.length > 0) await this.files.commit(files.map(({ fileKey }) => fileKey));
    const finished = await write();
    const unused = files.filter(({ id }) => !finished?.has(id)).map(({ fileKey }) => fileKey);
    if (unused.length > 0) await this.files.remove(unused);
    return finished !== null;
  }

  /** Removes files that crashed processes left half-written. */
  async clearLeftovers(): Promise<void> {
    await this.reports.clearSpool(LEFTOVER_AGE_MS);
  }
}
