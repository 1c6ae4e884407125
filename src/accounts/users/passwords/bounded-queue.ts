import { PasswordsBusy } from '../users.errors.js';

/** Runs a few tasks at a time, in order of arrival, and refuses tasks when too many wait. */
export class BoundedQueue {
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  /** @param expectedMs Duration of a task, from which the time of a retry is estimated. */
  constructor(
    private readonly concurrency: number,
    private readonly maxWaiting: number,
    private readonly expectedMs: number,
  ) {}

  /** @throws PasswordsBusy when the queue is full. */
  async run<Result>(task: () => Promise<Result>): Promise<Result> {
    if (this.running >= this.concurrency) {
      if (this.waiting.length >= this.maxWaiting) throw new PasswordsBusy(this.retryAfterS);
      // The task that ends leaves its place to this one.
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else {
      this.running += 1;
    }
    try {
      return await task();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }

  private get retryAfterS(): number {
    return Math.max(1, Math.ceil((this.waiting.length * this.expectedMs) / this.concurrency / 1_000));
  }
}
