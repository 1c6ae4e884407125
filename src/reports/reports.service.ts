import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { z } from 'zod';
import type { DaybookError } from '../platform/errors.js';
import type { RequestMode } from '../requests/request.entity.js';
import { catalogue } from './catalogue.js';
import { ReportFailed } from './define-report.js';
import { objectKey } from './storage/packs/result-key.js';
import { Spool } from './storage/packs/spool.js';
import { StorageUnavailable } from './storage/object-storage.js';
import { type Generated, PoolFull, type ReportPool, type ReportTask } from './generation/report-pool.js';

/** Injection token of the {@link ReportPools}. */
export const REPORT_POOLS = Symbol('REPORT_POOLS');

/** Sync reports have threads of their own, so that a long async backlog does not make a caller wait. */
export type ReportPools = Readonly<Record<RequestMode, ReportPool>>;

/** What is to be made; the attempt's own file id is added here. */
export type ReportOrder = Omit<ReportTask, 'fileId'>;

/** What a report type is, for callers. */
export interface ReportTypeView {
  type: string;
  title: string;
  formats: readonly string[];
  /** JSON Schema (2020-12). */
  params: object;
}

/** Makes reports and says which there are. */
@Injectable()
export class ReportsService implements OnApplicationShutdown {
  private readonly logger = new Logger(ReportsService.name);

  constructor(
    @Inject(REPORT_POOLS) private readonly pools: ReportPools,
    private readonly spool: Spool,
  ) {}

  listTypes(): ReportTypeView[] {
    return [...catalogue.values()].map(({ type, title, formats, params }) => {
      return { type, title, formats, params: z.toJSONSchema(params, { io: 'input' }) };
    });
  }

  /** Validated parameters with everything filled in that depends on the moment: what is to be recorded. */
  fixDefaults(type: string, params: object, acceptedAt: Date): object {
    const today = acceptedAt.toISOString().slice(0, 10);
    return catalogue.get(type)?.fixDefaults(params, { today }) ?? params;
  }

  /** About how long a report takes, in milliseconds of a processor; Infinity where nobody knows. */
  expectedMs(type: string, params: object): number {
    return catalogue.get(type)?.expectedMs(params) ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Makes reports one after the other. Their files are only spooled: `FileStore.commit` makes them results.
   * @returns What came of each; a report that fails is a result too.
   * @throws PoolFull, PoolClosed, StorageUnavailable; nothing is left behind then.
   */
  async generate(mode: RequestMode, orders: ReportOrder[]): Promise<Generated[]> {
    try {
      return await this.generateTogether(mode, orders);
    } catch (error) {
      if (!(error instanceof ReportFailed)) throw error;
      if (orders.length === 1) return [{ error, tookMs: 0 }];
    }
    // One of them took too long or killed the thread: made one by one, it fails alone.
    const generated: Generated[] = [];
    for (const order of orders) generated.push(...(await this.generate(mode, [order])));
    return generated;
  }

  private async generateTogether(mode: RequestMode, orders: ReportOrder[]): Promise<Generated[]> {
    const tasks = orders.map(({ type, params, format, requestId }) => {
      return { type, params, format, requestId, fileId: randomUUID() };
    });
    const [{ fileId, format }] = tasks as [ReportTask];
    const key = objectKey(fileId, format);
    try {
      const generated = await this.pools[mode].run({ tasks, filePath: this.spool.path(key) });
      const errors = generated.map((one) => ('error' in one ? one.error : null));
      for (const [index, error] of errors.entries()) if (error) this.tellCause(tasks[index]!, error);
      const fault = errors.find((error) => error instanceof StorageUnavailable);
      if (fault) throw fault;
      // Only a report that failed leaves a file that is no report's.
      const hasFile = generated.some((one) => 'outcome' in one && one.outcome.fileKey !== null);
      if (!hasFile && errors.some((error) => error !== null)) await this.discard(key);
      return generated;
    } catch (error) {
      if (error instanceof PoolFull) throw error;
      // A shutdown needs no explanation.
      if (error instanceof ReportFailed && tasks.length === 1) this.tellCause(tasks[0]!, error);
      await this.discard(key);
      throw error;
    }
  }

  /** A cause is what the caller is not told. */
  private tellCause({ requestId }: ReportTask, error: DaybookError): void {
    if (error.cause) this.logger.error(`Request ${requestId}: ${error.message}`, error.cause);
  }

  /** What cannot be thrown away now is cleared with the spool; the reason why is worth more than that. */
  private async discard(key: string): Promise<void> {
    await this.spool.discard(key).catch(() => undefined);
  }

  /** Deletes spooled files that a crash left: those unchanged for this long. */
  async clearSpool(olderThanMs: number): Promise<void> {
    await this.spool.clear(olderThanMs);
  }

  /** After the last response: until then a report in hand may still be waited for. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all(Object.values(this.pools).map((pool) => pool.close()));
  }
}
