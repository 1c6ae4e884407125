/**
 * The database's time, carried on by this process's monotonic clock. So `started_at` keeps its order whichever worker
 * makes a request and however its wall clock jumps.
 */
export class LaneClock {
  private readonly origin: number;

  /** @param startedAt The database's time just now. */
  constructor(
    private readonly startedAt: Date,
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {
    this.origin = monotonicMs();
  }

  now(): Date {
    return new Date(this.startedAt.getTime() + this.monotonicMs() - this.origin);
  }
}
