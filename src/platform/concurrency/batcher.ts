import { setTimeout as sleep } from 'node:timers/promises';

/** The most items in one batch. In a larger one, the arrays of a statement cost more than another round trip. */
const BATCH_LIMIT = 512;

interface Waiting<In, Out> {
  item: In;
  resolve: (result: Out) => void;
  reject: (error: unknown) => void;
}

export interface BatcherOptions {
  /**
   * Whether a single item can have caused an error. Each item of the failed batch is then written alone, so that only the
   * faulty ones fail. By default, an error fails the whole batch.
   */
  isItemFault?: (error: unknown) => boolean;
  /**
   * The owner's policy: how many of the waiting items the next batch takes, given how many the batch before took (0 after a
   * pause). By default all of them, at most 512.
   */
  batchSize?: (waiting: number, previous: number) => number;
  /** Minimum time from the start of one batch to the start of the next, in milliseconds. Default 0. */
  intervalMs?: number;
}

/**
 * Writes items in batches: items that arrive while a batch is being written form the next one. Batches run one at a time,
 * so items are written in the order they were submitted. A single item does not wait for others.
 */
export class Batcher<In, Out> {
  private waiting: Waiting<In, Out>[] = [];
  private isBusy = false;

  /** @param write Writes a batch and returns its results in the order of the items. */
  constructor(
    private readonly write: (items: In[]) => Promise<Out[]>,
    private readonly options: BatcherOptions = {},
  ) {}

  /** Resolves with the item's result when its batch is written; rejects with the error of its batch. */
  submit(item: In): Promise<Out> {
    return new Promise<Out>((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (this.isBusy) return;
      this.isBusy = true;
      // Items read from other sockets in this turn of the event loop join the batch.
      setImmediate(() => void this.writeAll());
    });
  }

  private async writeAll(): Promise<void> {
    const { intervalMs = 0, batchSize = () => BATCH_LIMIT } = this.options;
    let previous = 0;
    while (this.waiting.length > 0) {
      const nextAtMs = performance.now() + intervalMs;
      const size = Math.min(batchSize(this.waiting.length, previous), BATCH_LIMIT);
      const batch = this.waiting.splice(0, Math.max(1, size));
      previous = batch.length;
      await this.settle(batch);
      const restMs = nextAtMs - performance.now();
      if (restMs > 0) await sleep(restMs);
    }
    this.isBusy = false;
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
