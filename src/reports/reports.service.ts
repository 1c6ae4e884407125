import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { z } from 'zod';
import { DaybookError } from '../errors.js';
import type { RequestMode } from '../requests/request.entity.js';
import { catalogue } from './catalogue.js';
import { FileStore, fileKey } from './file-store.js';
import { PoolClosed, PoolFull, type ReportOutcome, type ReportPool, type ReportTask } from './report-pool.js';

/** Injection token of the {@link ReportPools}. */
export const REPORT_POOLS = Symbol('REPORT_POOLS');

/** Sync reports have threads of their own, so that a long async backlog does not make a caller wait. */
export type ReportPools = Readonly<Record<RequestMode, ReportPool>>;

/** What is to be made; the attempt's own file id and path are added here. */
export type ReportOrder = Pick<ReportTask, 'type' | 'params' | 'format' | 'requestId'>;

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
    private readonly files: FileStore,
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

  /** Whether `generate` would refuse now. */
  isFull(mode: RequestMode): boolean {
    return this.pools[mode].isFull;
  }

  /**
   * Makes a report. Its file is only spooled: `FileStore.commit` makes it a result, `discard` throws it away.
   * @throws PoolFull, PoolClosed, ReportFailed, StorageUnavailable; nothing is left behind then.
   */
  async generate(mode: RequestMode, order: ReportOrder): Promise<ReportOutcome> {
    const fileId = randomUUID();
    const key = fileKey(fileId, order.format);
    try {
      return await this.pools[mode].run({ ...order, fileId, filePath: this.files.spoolPath(key) });
    } catch (error) {
      if (error instanceof PoolFull) throw error;
      // A cause is what the caller is not told. A shutdown needs no explanation.
      if (error instanceof DaybookError && error.cause && !(error instanceof PoolClosed)) {
        this.logger.error(`Request ${order.requestId}: ${error.message}`, error.cause);
      }
      // What cannot be thrown away now is cleared with the spool; the reason why is worth more than that.
      await this.files.discard([key]).catch(() => undefined);
      throw error;
    }
  }

  /** After the last response: until then a report in hand may still be waited for. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all(Object.values(this.pools).map((pool) => pool.close()));
  }
}
