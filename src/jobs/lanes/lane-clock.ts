/**
 * The database's time, advanced by the monotonic clock of this process. `started_at` keeps its order whichever worker runs a
 * request, and however its wall clock jumps.
 */
export class LaneClock {
  private readonly origin: number;

  /** @param startedAt The database's time at construction. */
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
