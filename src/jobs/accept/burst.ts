import { setTimeout as sleep } from 'node:timers/promises';

/** So many callers in line at a time are a burst. Fewer are acknowledged before a report could get in their way. */
const BURST = 5;
const LOOK_EVERY_MS = 10;
/** A burst that goes on for longer is load, and reports are made under it. */
const HOLD_MAX_MS = 100;

/**
 * Acknowledgements go before reports: the worker is woken when a burst has been acknowledged. Begun in the middle of it,
 * reports would take the processors from the callers in line, and hardly be ready any sooner.
 */
export class Burst {
  private waiting = 0;
  /** The most that were in line at a time since the last look. */
  private peak = 0;
  private isHolding = false;

  /**
   * @param wake Wakes the worker.
   * @param pause Until the next look; for tests.
   */
  constructor(
    private readonly wake: () => void,
    private readonly pause: () => Promise<void> = () => sleep(LOOK_EVERY_MS, undefined, { ref: false }),
  ) {}

  /** Accepts for a caller in line, and has the worker woken when that has been done, at once or after the burst. */
  async acknowledge<T>(accept: () => Promise<T>): Promise<T> {
    this.waiting++;
    this.peak = Math.max(this.peak, this.waiting);
    try {
      const accepted = await accept();
      this.announce();
      return accepted;
    } finally {
      this.waiting--;
    }
  }

  /** While the caller still counts, with those who are acknowledged together with it. */
  private announce(): void {
    if (this.isHolding) return;
    if (this.waiting < BURST) this.wake();
    else void this.hold();
  }

  private async hold(): Promise<void> {
    this.isHolding = true;
    for (let heldMs = 0; heldMs < HOLD_MAX_MS; heldMs += LOOK_EVERY_MS) {
      this.peak = this.waiting;
      await this.pause();
      if (this.peak < BURST) break;
    }
    this.isHolding = false;
    this.wake();
  }
}
