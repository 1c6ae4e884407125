import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import { Piscina } from 'piscina';
import { DaybookError } from '../../platform/errors.js';
import { ReportFailed } from '../define-report.js';
import { StorageUnavailable } from '../storage/object-storage.js';
import type { ReportAnswer, ReportBatch, ReportFailure, ReportOutcome } from './generate.worker.js';

export type { ReportBatch, ReportOutcome, ReportTask } from './generate.worker.js';

/** What came of one report, and how long it was being made. */
export type Generated = ({ outcome: ReportOutcome } | { error: ReportFailed | StorageUnavailable }) & {
  tookMs: number;
};

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
  /** Longest time of a batch, waiting for its thread included. */
  timeoutMs: number;
  workerFile?: URL;
}

// Node cannot run a thread from TypeScript. Started from source, as the tests are, the compiled neighbour is used.
const WORKER_FILE = import.meta.url.endsWith('.ts')
  ? new URL('../../../dist/src/reports/generation/generate.worker.js', import.meta.url)
  : new URL('./generate.worker.js', import.meta.url);

/** Per thread. A report that needs more ends its own thread instead of the process; a small nursery keeps RSS low. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 16 };

/** Gives a report the thread that it waits for, or says why there will be none. */
type EndWait = (refusal?: Error) => void;

/** Makes reports in worker threads, a bounded number at once and a bounded number in line. */
export class ReportPool {
  private readonly logger = new Logger(ReportPool.name);
  private pool: Piscina<ReportBatch, ReportAnswer[]> | null = null;
  private unfinished = 0;
  /** Reports that have a thread, or are about to have one that starts. */
  private inHand = 0;
  /** Those that wait for one, in the order in which they came. */
  private readonly line = new Set<EndWait>();
  private isClosed = false;

  constructor(private readonly options: ReportPoolOptions) {}

  /** Whether `run` would refuse now. */
  get isFull(): boolean {
    return this.unfinished >= this.options.threads + this.options.maxQueue;
  }

  /**
   * Makes reports one after the other in one thread; their file, if they have one, is at `batch.filePath` then.
   * @returns What came of each, in order.
   * @throws PoolFull, PoolClosed; ReportFailed when one of them took too long or killed the thread.
   */
  async run(batch: ReportBatch): Promise<Generated[]> {
    if (this.isFull) throw new PoolFull(`All ${this.options.threads} report threads and their queue are full`);
    this.unfinished++;
    const signal = AbortSignal.timeout(this.options.timeoutMs);
    try {
      await this.takeThread(signal);
      return await this.runNow(batch, signal).finally(() => this.leaveThread());
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new ReportFailed(`The report took longer than ${this.options.timeoutMs / 1_000} s and was ended`);
    } finally {
      this.unfinished--;
    }
  }

  private async runNow(batch: ReportBatch, signal: AbortSignal): Promise<Generated[]> {
    if (this.isClosed) throw new PoolClosed('This process is stopping');
    const pool = (this.pool ??= this.start());
    try {
      return (await pool.run(batch, { signal })).map(generatedOf);
    } catch (error) {
      if (this.pool !== pool) throw new PoolClosed('The report threads ended before it was made', { cause: error });
      throw new ReportFailed('The report could not be generated: its thread ended', { cause: error });
    }
  }

  /**
   * Waits for a thread in line. Piscina's own line is none: each time a thread is free it moves the one behind the one that
   * gets it to the end.
   * @throws When the time is up, or the threads end.
   */
  private async takeThread(signal: AbortSignal): Promise<void> {
    if (this.inHand < this.options.threads) return void this.inHand++;
    await new Promise<void>((resolve, reject) => {
      const endWait: EndWait = (refusal) => {
        this.line.delete(endWait);
        signal.removeEventListener('abort', timeIsUp);
        if (refusal) reject(refusal);
        else resolve();
      };
      const timeIsUp = (): void => endWait(signal.reason as Error);
      this.line.add(endWait);
      signal.addEventListener('abort', timeIsUp);
    });
  }

  private leaveThread(): void {
    const [next] = this.line;
    if (next) next();
    else this.inHand--;
  }

  /** Ends the threads. What is still in hand is refused with PoolClosed: whoever wants it waits for it before. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.retire();
  }

  private async retire(): Promise<void> {
    const pool = this.pool;
    this.pool = null;
    for (const endWait of this.line) endWait(new PoolClosed('The report threads ended before it was made'));
    await pool?.destroy();
  }

  /** Begins with one thread; more start as they are needed, and from then on they stay warm. */
  private start(): Piscina<ReportBatch, ReportAnswer[]> {
    const pool = new Piscina<ReportBatch, ReportAnswer[]>({
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

function generatedOf(answer: ReportAnswer): Generated {
  return 'failure' in answer ? { error: errorOf(answer.failure), tookMs: answer.tookMs } : answer;
}

function errorOf({ blame, message, detail }: ReportFailure): ReportFailed | StorageUnavailable {
  const cause = detail === undefined ? undefined : { cause: detail };
  return blame === 'storage' ? new StorageUnavailable(message, cause) : new ReportFailed(message, cause);
}
