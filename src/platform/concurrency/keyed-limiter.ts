export interface KeyedLimits {
  /** Work of one key in progress. */
  concurrency: number;
  /** Work of one key that waits. */
  maxWaiting: number;
  /** The longest wait, in milliseconds. */
  waitMs: number;
}

interface Queue {
  running: number;
  /** The functions that admit waiting work, the oldest first. */
  readonly waiting: Set<() => void>;
}

/** Limits the work in progress of each key, in the order of arrival. Work of one key never waits for that of another. */
export class KeyedLimiter {
  private readonly queues = new Map<string, Queue>();

  /** @param refusal Creates the error for work that is refused. */
  constructor(
    private readonly limits: KeyedLimits,
    private readonly refusal: () => Error,
  ) {}

  /**
   * Runs work when the key has a free place. It must not run further work of the same key, for which it could wait forever.
   * @returns The result of `work`.
   * @throws The refusal, if too much work of the key waits or this waits too long; and the errors of `work`.
   */
  async run<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    await this.enter(key);
    try {
      return await work();
    } finally {
      this.leave(key);
    }
  }

  private async enter(key: string): Promise<void> {
    const queue = this.queues.get(key) ?? { running: 0, waiting: new Set() };
    this.queues.set(key, queue);
    if (queue.running < this.limits.concurrency) queue.running += 1;
    else if (queue.waiting.size < this.limits.maxWaiting) await this.wait(queue);
    else throw this.refusal();
  }

  private wait({ waiting }: Queue): Promise<void> {
    return new Promise((resolve, reject) => {
      const admit = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.delete(admit);
        reject(this.refusal());
      }, this.limits.waitMs);
      waiting.add(admit);
    });
  }

  /** Hands the place to the next work, or frees it. */
  private leave(key: string): void {
    const queue = this.queues.get(key)!;
    const [next] = queue.waiting;
    if (next) {
      queue.waiting.delete(next);
      next();
      return;
    }
    queue.running -= 1;
    if (queue.running === 0) this.queues.delete(key);
  }
}
