import { setTimeout as sleep } from 'node:timers/promises';

/** The most items of one batch; past it a statement's arrays cost more than another round trip. */
const BATCH_LIMIT = 512;

/** So few go in one batch: a round trip for half of them takes longer than is saved by it. */
const UNDIVIDED = 8;

interface Waiting<In, Out> {
  item: In;
  resolve: (result: Out) => void;
  reject: (error: unknown) => void;
}

export interface BatcherOptions {
  /**
   * Whether an error may be the fault of a single item. Then each is tried alone, so that a bad one fails by itself. By
   * default it never is.
   */
  isItemFault?: (error: unknown) => boolean;
  /** The shortest time from one batch to the next: for what nobody waits for, larger batches. By default 0. */
  intervalMs?: number;
  /**
   * Whether items come from callers who wait, and come again when they have been answered. Together they would all wait for
   * the database and then all for this process; so one half is written while the other is answered.
   */
  isByHalves?: boolean;
}

/**
 * Writes together what arrives together: while one batch is being committed the next one gathers. A lone item waits for
 * nobody. Batches go one after another, so items are written in the order they were submitted.
 */
export class Batcher<In, Out> {
  private waiting: Waiting<In, Out>[] = [];
  private isBusy = false;
  /** Of the batch before, 0 after a rest. */
  private lastCount = 0;

  /** @param write Writes a batch; its results stand in the order of the items. */
  constructor(
    private readonly write: (items: In[]) => Promise<Out[]>,
    private readonly options: BatcherOptions = {},
  ) {}

  /** Resolves when the item's batch is written; rejects with the batch's error. */
  submit(item: In): Promise<Out> {
    return new Promise<Out>((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (this.isBusy) return;
      this.isBusy = true;
      // One turn of the event loop: what is read from other sockets in it joins this batch.
      setImmediate(() => void this.drain());
    });
  }

  private async drain(): Promise<void> {
    const { intervalMs = 0 } = this.options;
    while (this.waiting.length > 0) {
      const nextAtMs = performance.now() + intervalMs;
      const batch = this.waiting.splice(0, this.nextCount());
      this.lastCount = batch.length;
      await this.settle(batch);
      const restMs = nextAtMs - performance.now();
      if (restMs > 0) await sleep(restMs);
    }
    this.isBusy = false;
    this.lastCount = 0;
  }

  private nextCount(): number {
    const count = this.waiting.length;
    if (!this.options.isByHalves || count <= UNDIVIDED) return BATCH_LIMIT;
    // Those of the batch before are about to come again.
    return Math.min(Math.ceil((count + this.lastCount) / 2), BATCH_LIMIT);
  }

  private async settle(batch: Waiting<In, Out>[]): Promise<void> {
    try {
      const results = await this.write(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => resolve(results[index]!));
    } catch (error) {
      if (batch.length > 1 && this.options.isItemFault?.(error)) {
        for (const waiting of batch) await this.settle([waiting]);
      } else {
        for (const { reject } of batch) reject(error);
      }
    }
  }
}
