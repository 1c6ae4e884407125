/** An attempt that takes longer is not counted any more. */
const SLOW_MS = 1_000;

/**
 * Limits the attempts in progress. A slow attempt frees its place for another, so that stalling addresses do not delay others.
 * The caller bounds the total.
 */
export class SendLimiter {
  private counted = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly limit: number,
    private readonly slowMs = SLOW_MS,
  ) {}

  /** Runs an attempt when there is a place for it, in the order of the calls. */
  async run<T>(attempt: () => Promise<T>): Promise<T> {
    if (this.counted < this.limit) this.counted++;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    let isCounted = true;
    const free = (): void => {
      if (!isCounted) return;
      isCounted = false;
      const next = this.waiting.shift();
      if (next) next();
      else this.counted--;
    };
    const timer = setTimeout(free, this.slowMs).unref();
    try {
      return await attempt();
    } finally {
      clearTimeout(timer);
      free();
    }
  }
}
