import { Injectable } from '@nestjs/common';
import { ReportFailed } from '../reports/define-report.js';
import { FileStore } from '../reports/file-store.js';
import { ReportsService } from '../reports/reports.service.js';
import type { Completion, Job } from './jobs.store.js';

/** A spooled file that nobody has touched for so long is nobody's. Longer than any report takes. */
const LEFTOVER_AGE_MS = 86_400_000;

/** What came of making one report. Exactly one of result and error is set. */
export type Made = Pick<Completion, 'result' | 'fileKey' | 'error'>;

/** Makes reports and brings their files into the store together with the transaction that makes them results. */
@Injectable()
export class ReportMaker {
  constructor(
    private readonly reports: ReportsService,
    private readonly files: FileStore,
  ) {}

  /**
   * A report that fails is a result too.
   * @throws StorageUnavailable, PoolClosed: nothing can be made now.
   */
  async make({ id, mode, report, format, params }: Job): Promise<Made> {
    try {
      const { result, fileKey } = await this.reports.generate(mode, { type: report, params, format, requestId: id });
      return { result, fileKey, error: null };
    } catch (error) {
      if (error instanceof ReportFailed) return { result: null, fileKey: null, error: error.message };
      throw error;
    }
  }

  /**
   * Makes the files durable, then writes what refers to them. If that was not to be, the files go again.
   * @param write True when it was written, false when the work has passed to somebody else.
   */
  async publish(fileKeys: (string | null)[], write: () => Promise<boolean>): Promise<boolean> {
    const keys = fileKeys.filter((key) => key !== null);
    if (keys.length > 0) await this.files.commit(keys);
    const isWritten = await write();
    if (!isWritten && keys.length > 0) await this.files.remove(keys);
    return isWritten;
  }

  /** Throws away what processes that died left half-written. */
  async clearLeftovers(): Promise<void> {
    await this.files.clearSpool(LEFTOVER_AGE_MS);
  }
}
