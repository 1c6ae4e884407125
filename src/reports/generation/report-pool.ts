import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import { Piscina } from 'piscina';
import { DaybookError } from '../../platform/errors.js';
import { DatabaseUnavailable } from '../../platform/database/outages.js';
import type { ReadingOptions } from '../../platform/database/snapshot.js';
import { ReportFailed } from '../report-failed.js';
import { StorageUnavailable } from '../storage/object-storage.js';
import type { ReportAnswer, ReportBatch, ReportFailure, ReportOutcome } from './generate.worker.js';

export type { ReportBatch, ReportOutcome, ReportTask } from './generate.worker.js';

/** The outcome of one report and its duration. */
export type Generated = ({ outcome: ReportOutcome } | { error: ReportFailed | NothingGenerated }) & {
  tookMs: number;
};

/** Something that reports need is away. They have not failed, and can be generated again. */
export type NothingGenerated = StorageUnavailable | DatabaseUnavailable;

/** All threads are busy and the queue is full. */
export class PoolFull extends DaybookError {
  readonly code = 'pool-full';
  override readonly retryAfterS = 1;
}

/** The process is stopping, or its threads do not start. The report has not failed: it can be generated later. */
export class PoolClosed extends DaybookError {
  readonly code = 'pool-closed';
}

export interface ReportPoolOptions {
  threads: number;
  /** Reports that may wait for a thread. */
  maxQueue: number;
  /** The timeout of a batch, including the wait for a thread. */
  timeoutMs: number;
  /** Where reports over the books read from. Undefined: there are none. */
  reading?: ReadingOptions;
  workerFile?: URL;
}

// Node cannot run a thread from TypeScript, so tests use the compiled worker.
const WORKER_FILE = import.meta.url.endsWith('.ts')
  ? new URL('../../../dist/src/reports/generation/generate.worker.js', import.meta.url)
  : new URL('./generate.worker.js', import.meta.url);

/** A report that needs more memory ends its own thread and not the process. A small young generation keeps RSS low. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 16 };

/** Ends the wait for a thread, with an error if there is none. */
type EndWait = (refusal?: Error) => void;

/** Generates reports in worker threads, with a bounded number of threads and a bounded queue. */
export class ReportPool {
  private readonly logger = new Logger(ReportPool.name);
  private pool: Piscina<ReportBatch, ReportAnswer[]> | null = null;
  private unfinished = 0;
  /** Batches that have a thread, or one that is starting. */
  private running = 0;
  /** Batches that wait for a thread, first in, first out. */
  private readonly waiting = new Set<EndWait>();
  private isClosed = false;

  constructor(private readonly options: ReportPoolOptions) {}

  /** Whether `run` would throw PoolFull now. */
  get isFull(): boolean {
    return this.unfinished >= this.options.threads + this.options.maxQueue;
  }

  /**
   * Generates reports one after the other in one thread. Their file, if any, is at `batch.filePath`.
   * @param cancelled Ends the thread of the batch.
   * @returns The outcome of each, in order.
   * @throws PoolFull, PoolClosed; ReportFailed if one of them exceeded the timeout, was cancelled, or ended the thread.
   */
  async run(batch: ReportBatch, cancelled?: AbortSignal): Promise<Generated[]> {
    if (this.isFull) throw new PoolFull(`All ${this.options.threads} report threads and their queue are full`);
    this.unfinished++;
    const timeout = AbortSignal.timeout(this.options.timeoutMs);
    const signal = cancelled ? AbortSignal.any([timeout, cancelled]) : timeout;
    try {
      await this.takeThread(signal);
      return await this.runNow(batch, signal).finally(() => this.leaveThread());
    } catch (error) {
      if (!signal.aborted) throw error;
      if (cancelled?.aborted) throw new ReportFailed('The request was cancelled');
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
      if (this.pool !== pool)
        throw new PoolClosed('The report threads ended before it was generated', { cause: error });
      throw new ReportFailed('The report could not be generated: its thread ended', { cause: error });
    }
  }

  /**
   * Waits for a thread. Piscina's own queue is not first in, first out: each free thread moves a waiting task to the end.
   * @throws On timeout, or when the threads end.
   */
  private async takeThread(signal: AbortSignal): Promise<void> {
    if (this.running < this.options.threads) return void this.running++;
    await new Promise<void>((resolve, reject) => {
      const endWait: EndWait = (refusal) => {
        this.waiting.delete(endWait);
        signal.removeEventListener('abort', onTimeout);
        if (refusal) reject(refusal);
        else resolve();
      };
      const onTimeout = (): void => endWait(signal.reason as Error);
      this.waiting.add(endWait);
      signal.addEventListener('abort', onTimeout);
    });
  }

  private leaveThread(): void {
    const [next] = this.waiting;
    if (next) next();
    else this.running--;
  }

  /** Ends the threads. Unfinished batches fail with PoolClosed. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.retire();
  }

  private async retire(): Promise<void> {
    const pool = this.pool;
    this.pool = null;
    for (const endWait of this.waiting) endWait(new PoolClosed('The report threads ended before it was generated'));
    await pool?.destroy();
  }

  /** Starts with one thread; more start when needed, and stay. */
  private start(): Piscina<ReportBatch, ReportAnswer[]> {
    const pool = new Piscina<ReportBatch, ReportAnswer[]>({
      filename: fileURLToPath(this.options.workerFile ?? WORKER_FILE),
      // With 0, waiting reports would hang after the last thread ended.
      minThreads: 1,
      maxThreads: this.options.threads,
      workerData: this.options.reading,
      idleTimeout: Infinity,
      recordTiming: false,
      resourceLimits: RESOURCE_LIMITS,
    });
    // A thread that ends without a report did not start. Piscina gives up on such threads and leaves its queue waiting, so the
    // next report gets a new pool. Without a listener the process would end.
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

function errorOf({ blame, message, detail }: ReportFailure): ReportFailed | NothingGenerated {
  if (blame === 'database') return new DatabaseUnavailable(message, 'unreachable');
  const cause = detail === undefined ? undefined : { cause: detail };
  return blame === 'storage' ? new StorageUnavailable(message, cause) : new ReportFailed(message, cause);
}
