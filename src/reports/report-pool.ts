import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import { Piscina } from 'piscina';
import { DaybookError } from '../errors.js';
import { ReportFailed } from './define-report.js';
import { StorageUnavailable } from './file-store.js';
import type { ReportAnswer, ReportFailure, ReportOutcome, ReportTask } from './generate.worker.js';

export type { ReportOutcome, ReportTask } from './generate.worker.js';

/** Every thread is busy and the line before them is full. */
export class PoolFull extends DaybookError {
  readonly code = 'pool-full';
  override readonly retryAfterS = 1;
}

/**
 * There are no threads: the process is stopping, or they do not start. The report has not failed: it is made later, or
 * elsewhere.
 */
export class PoolClosed extends DaybookError {
  readonly code = 'pool-closed';
}

export interface ReportPoolOptions {
  threads: number;
  /** Reports that may wait for a thread. */
  maxQueue: number;
  /** Longest time of a report, waiting for its thread included. */
  timeoutMs: number;
  workerFile?: URL;
}

// Node cannot run a thread from TypeScript. Started from source, as the tests are, the compiled neighbour is used.
const WORKER_FILE = import.meta.url.endsWith('.ts')
  ? new URL('../../dist/src/reports/generate.worker.js', import.meta.url)
  : new URL('./generate.worker.js', import.meta.url);

/** Per thread. A report that needs more ends its own thread instead of the process; a small nursery keeps RSS low. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 16 };

/** Makes reports in worker threads, a bounded number at once and a bounded number in line. */
export class ReportPool {
  private readonly logger = new Logger(ReportPool.name);
  private pool: Piscina<ReportTask, ReportAnswer> | null = null;
  private unfinished = 0;
  private isClosed = false;

  constructor(private readonly options: ReportPoolOptions) {}

  /** Whether `run` would refuse now. */
  get isFull(): boolean {
    return this.unfinished >= this.options.threads + this.options.maxQueue;
  }

  /**
   * Makes one report; its file, if it has one, is at `task.filePath` then.
   * @throws PoolFull, PoolClosed, ReportFailed, StorageUnavailable
   */
  async run(task: ReportTask): Promise<ReportOutcome> {
    if (this.isClosed) throw new PoolClosed('This process is stopping');
    if (this.isFull) throw new PoolFull(`All ${this.options.threads} report threads and their queue are full`);
    this.unfinished++;
    const pool = (this.pool ??= this.start());
    try {
      const answer = await pool.run(task, { signal: AbortSignal.timeout(this.options.timeoutMs) });
      if ('failure' in answer) throw errorOf(answer.failure);
      return answer.outcome;
    } catch (error) {
      if (error instanceof DaybookError) throw error;
      if (error instanceof Error && error.name === 'AbortError') {
        throw new ReportFailed(`The report took longer than ${this.options.timeoutMs / 1_000} s and was ended`);
      }
      if (this.pool !== pool) throw new PoolClosed('The report threads ended before it was made', { cause: error });
      throw new ReportFailed('The report could not be made: its thread ended', { cause: error });
    } finally {
      this.unfinished--;
    }
  }

  /** Ends the threads. What is still in hand is refused with PoolClosed: whoever wants it waits for it before. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.retire();
  }

  private async retire(): Promise<void> {
    const pool = this.pool;
    this.pool = null;
    await pool?.destroy();
  }

  /** Begins with one thread; more start as they are needed, and from then on they stay warm. */
  private start(): Piscina<ReportTask, ReportAnswer> {
    const pool = new Piscina<ReportTask, ReportAnswer>({
      filename: fileURLToPath(this.options.workerFile ?? WORKER_FILE),
      // With 0, reports in line would wait for ever after the last thread had died.
      minThreads: 1,
      maxThreads: this.options.threads,
      idleTimeout: Infinity,
      recordTiming: false,
      resourceLimits: RESOURCE_LIMITS,
    });
    // A thread that ends with no report in hand did not even start. Piscina gives up on such threads and leaves the line
    // waiting for ever, so the next report begins with a new pool. Without a listener the process would end.
    pool.on('error', (error) => {
      this.logger.error('A report thread ended', error);
      if (this.pool === pool) void this.retire();
    });
    return pool;
  }
}

function errorOf({ blame, message, detail }: ReportFailure): DaybookError {
  const cause = detail === undefined ? undefined : { cause: detail };
  return blame === 'storage' ? new StorageUnavailable(message, cause) : new ReportFailed(message, cause);
}
