import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { z } from 'zod';
import type { DaybookError } from '../platform/errors.js';
import { type AccountId, storedAccount } from '../platform/tenant.js';
import type { RequestMode } from '../requests/request.entity.js';
import { catalogue } from './catalogue.js';
import type { Acceptance, ReportDefinition } from './define-report.js';
import { EntriesAtOnce, PostedEntries } from './posted-entries.js';
import { ReportFailed } from './report-failed.js';
import { objectKey } from './storage/packs/result-key.js';
import { Spool } from './storage/packs/spool.js';
import { type Generated, PoolFull, type ReportPool, type ReportTask } from './generation/report-pool.js';

/** Injection token of the {@link ReportPools}. */
export const REPORT_POOLS = Symbol('REPORT_POOLS');

/** Sync reports have threads of their own, so that a caller does not wait behind the async backlog. */
export type ReportPools = Readonly<Record<RequestMode, ReportPool>>;

/** A report to generate; each attempt gets a file id of its own. */
export type ReportOrder = Omit<ReportTask, 'fileId'>;

/** A report type as callers see it. */
export interface ReportTypeView {
  type: string;
  title: string;
  formats: readonly string[];
  /** Names of the columns, for a report whose columns callers choose. */
  columns: readonly string[] | null;
  /** JSON Schema (2020-12). */
  params: object;
  /** The earliest time at which an entry of the journal counts; null without entries, or when the report is of none. */
  data_available_from: string | null;
  /** The time of the answer; null when the report is not of the journal. */
  data_available_until: string | null;
  /** For the default parameters; null if some parameter has no default. */
  estimated_bytes: number | null;
}

/** Lists report types and generates reports. */
@Injectable()
export class ReportsService implements OnApplicationShutdown {
  private readonly logger = new Logger(ReportsService.name);

  constructor(
    @Inject(REPORT_POOLS) private readonly pools: ReportPools,
    private readonly spool: Spool,
    private readonly entries: PostedEntries,
  ) {}

  /**
   * Lists the report types, with the times of which the journal of an account has entries.
   * @param mayReadBooks Whether those over the books are among them.
   */
  async listTypes(account: AccountId, mayReadBooks = true): Promise<ReportTypeView[]> {
    const on = this.acceptance(account);
    const earliest = mayReadBooks ? await on.entries.earliestEffectiveAt(on.account) : null;
    const shown = [...catalogue.values()].filter(({ isOfJournal }) => mayReadBooks || !isOfJournal);
    return Promise.all(shown.map((definition) => this.viewOf(definition, on, earliest)));
  }

  private async viewOf(
    { type, title, formats, params, columns, isOfJournal }: ReportDefinition,
    on: Acceptance,
    earliest: Date | null,
  ): Promise<ReportTypeView> {
    const { data } = params.safeParse({});
    return {
      type,
      title,
      formats,
      columns: columns ?? null,
      params: z.toJSONSchema(params, { io: 'input' }),
      data_available_from: isOfJournal ? (earliest?.toISOString() ?? null) : null,
      data_available_until: isOfJournal ? on.at.toISOString() : null,
      estimated_bytes: data ? this.expectedBytes(type, await this.fixDefaults(type, data, on)) : null,
    };
  }

  /** Returns the circumstances of requests that are accepted together. */
  acceptance(account: AccountId, at = new Date()): Acceptance {
    return { at, account: storedAccount(account), entries: new EntriesAtOnce(this.entries) };
  }

  /**
   * Returns the validated parameters with the defaults that depend on the moment of the request, to be recorded.
   * @throws ParamsRefused, DatabaseUnavailable
   */
  async fixDefaults(type: string, params: object, on: Acceptance): Promise<object> {
    return (await catalogue.get(type)?.fixDefaults(params, on)) ?? params;
  }

  /** Returns the approximate duration in milliseconds of processor time; Infinity if it is unknown. */
  expectedMs(type: string, params: object): number {
    return catalogue.get(type)?.expectedMs(params) ?? Number.POSITIVE_INFINITY;
  }

  /** Whether a report can be cancelled while it runs. Others are over before it would be worth it. */
  isCancellable(type: string): boolean {
    return catalogue.get(type)?.isOfJournal ?? false;
  }

  /** The report types that can be cancelled while they run. */
  cancellableTypes(): string[] {
    return [...catalogue.keys()].filter((type) => this.isCancellable(type));
  }

  /** Returns the estimated bytes of the report's file; 0 for a report without one. */
  expectedBytes(type: string, params: object): number {
    return catalogue.get(type)?.expectedBytes(params) ?? 0;
  }

  /**
   * Generates reports one after the other. Their files are spooled; `ResultStore.commit` makes them durable.
   * @param maxBytes What their files may take together. A report whose file does not fit fails.
   * @param cancelled Ends the reports, which then count as failed.
   * @returns The outcome of each. A failed report is an outcome, not an error.
   * @throws PoolFull, PoolClosed, StorageUnavailable; no spooled file is left then.
   */
  async generate(
    mode: RequestMode,
    orders: ReportOrder[],
    maxBytes: number,
    cancelled?: AbortSignal,
  ): Promise<Generated[]> {
    try {
      return await this.generateTogether(mode, orders, maxBytes, cancelled);
    } catch (error) {
      if (!(error instanceof ReportFailed)) throw error;
      if (orders.length === 1) return [{ error, tookMs: 0 }];
    }
    // One of them took too long or ended the thread. Generated one by one, it fails alone.
    const generated: Generated[] = [];
    let leftBytes = maxBytes;
    for (const order of orders) {
      const [one] = (await this.generate(mode, [order], leftBytes)) as [Generated];
      if ('outcome' in one) leftBytes -= one.outcome.fileBytes ?? 0;
      generated.push(one);
    }
    return generated;
  }

  private async generateTogether(
    mode: RequestMode,
    orders: ReportOrder[],
    maxBytes: number,
    cancelled?: AbortSignal,
  ): Promise<Generated[]> {
    const tasks = orders.map((order) => ({ ...order, fileId: randomUUID() }));
    const [{ fileId, format }] = tasks as [ReportTask];
    const key = objectKey(fileId, format);
    try {
      const generated = await this.pools[mode].run({ tasks, filePath: this.spool.path(key), maxBytes }, cancelled);
      const errors = generated.map((one) => ('error' in one ? one.error : null));
      for (const [index, error] of errors.entries()) if (error) this.logCause(tasks[index]!, error);
      const fault = errors.find((error) => error !== null && !(error instanceof ReportFailed));
      if (fault) throw fault;
      // Only a failed report leaves a file without a result.
      const hasFile = generated.some((one) => 'outcome' in one && one.outcome.fileKey !== null);
      if (!hasFile && errors.some((error) => error !== null)) await this.discard(key);
      return generated;
    } catch (error) {
      if (error instanceof PoolFull) throw error;
      if (error instanceof ReportFailed && tasks.length === 1) this.logCause(tasks[0]!, error);
      await this.discard(key);
      throw error;
    }
  }

  /** The caller does not see the cause. */
  private logCause({ requestId }: ReportTask, error: DaybookError): void {
    if (error.cause) this.logger.error(`Request ${requestId}: ${error.message}`, error.cause);
  }

  /** A file that cannot be deleted now is cleared with the spool later, and must not hide the first error. */
  private async discard(key: string): Promise<void> {
    await this.spool.discard(key).catch(() => undefined);
  }

  /** Deletes spooled files that a crash left: those unchanged for this long. */
  async clearSpool(olderThanMs: number): Promise<void> {
    await this.spool.clear(olderThanMs);
  }

  /** Runs after the last response, because a caller may wait for a running report until then. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all(Object.values(this.pools).map((pool) => pool.close()));
  }
}
