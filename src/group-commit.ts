import { setTimeout as sleep } from 'node:timers/promises';

/** The most items of one batch; past it a statement's arrays cost more than another round trip. */
const BATCH_LIMIT = 512;

interface Waiting<In, Out> {
  item: In;
  resolve: (result: Out) => void;
  reject: (error: unknown) => void;
}

/**
 * Writes together what arrives together: while one batch is being committed the next one gathers. A lone item waits for
 * nobody. Batches go one after another, so items are written in the order they were submitted.
 */
export class GroupCommit<In, Out> {
  private waiting: Waiting<In, Out>[] = [];
  private isBusy = false;

  /**
   * @param write Writes a batch; its results stand in the order of the items.
   * @param isOneToBlame Whether an error may be the fault of a single item. Then each is tried alone, so that a bad one
   *   fails by itself.
   * @param intervalMs The shortest time from one batch to the next: for what nobody waits for, larger batches.
   */
  constructor(
    private readonly write: (items: In[]) => Promise<Out[]>,
    private readonly isOneToBlame: (error: unknown) => boolean = () => false,
    private readonly intervalMs = 0,
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
    while (this.waiting.length > 0) {
      const nextAtMs = performance.now() + this.intervalMs;
      await this.settle(this.waiting.splice(0, BATCH_LIMIT));
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
      if (batch.length > 1 && this.isOneToBlame(error)) {
        for (const waiting of batch) await this.settle([waiting]);
      } else {
        for (const { reject } of batch) reject(error);
      }
    }
  }
}
