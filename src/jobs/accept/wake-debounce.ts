import { setTimeout as sleep } from 'node:timers/promises';
import { Coalescer } from '../../platform/concurrency/coalescer.js';

/** Concurrent requests that count as a burst. Fewer are acknowledged before a report could delay them. */
const BURST = 5;
const CHECK_INTERVAL_MS = 10;
/** A burst that lasts longer is steady load, under which reports are generated as well. */
const DELAY_MAX_MS = 100;

/**
 * Wakes the worker for accepted requests, in a burst only when it has been acknowledged (decision 16): reports that start
 * in the middle of it would take the processors from the acknowledgements, and would hardly be ready sooner.
 */
export class WakeDebounce {
  private pending = 0;
  /** Highest `pending` since the last check. */
  private peak = 0;
  private readonly wakeUps: Coalescer;

  /**
   * @param wake Wakes the worker.
   * @param pause Resolves at the next check; for tests.
   */
  constructor(
    wake: () => void,
    private readonly pause: () => Promise<void> = () => sleep(CHECK_INTERVAL_MS, undefined, { ref: false }),
  ) {
    this.wakeUps = new Coalescer(
      async () => wake(),
      () => this.burstEnd(),
    );
  }

  /** Accepts a request and then has the worker woken, at once or after the burst. Rejects, without waking, as `accept` does. */
  async acknowledge<T>(accept: () => Promise<T>): Promise<T> {
    this.pending++;
    this.peak = Math.max(this.peak, this.pending);
    try {
      const accepted = await accept();
      // Before this request stops counting, together with those acknowledged in the same turn.
      this.wakeUps.request();
      return accepted;
    } finally {
      this.pending--;
    }
  }

  private async burstEnd(): Promise<void> {
    this.peak = this.pending;
    for (let waitedMs = 0; this.peak >= BURST && waitedMs < DELAY_MAX_MS; waitedMs += CHECK_INTERVAL_MS) {
      this.peak = this.pending;
      await this.pause();
    }
  }
}
