/** Longest delay of a timer. Callers announce a later time again after it. */
const MAX_DELAY_MS = 60_000;

/** Fires when the next thing is due: at the earliest of the announced times. It does not keep the process alive. */
export class WakeTimer {
  private pending: { dueAtMs: number; handle: NodeJS.Timeout } | undefined;
  private isStopped = false;

  constructor(private readonly wake: () => void) {}

  /** Announces that something is due in `ms` milliseconds. */
  setIn(ms: number): void {
    const inMs = Math.min(Math.max(0, ms), MAX_DELAY_MS);
    const dueAtMs = performance.now() + inMs;
    if (this.isStopped || (this.pending && this.pending.dueAtMs <= dueAtMs)) return;
    clearTimeout(this.pending?.handle);
    const fire = (): void => {
      this.pending = undefined;
      this.wake();
    };
    this.pending = { dueAtMs, handle: setTimeout(fire, Math.ceil(inMs)).unref() };
  }

  /** Stops the timer for good. */
  stop(): void {
    this.isStopped = true;
    clearTimeout(this.pending?.handle);
  }
}
