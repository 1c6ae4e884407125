import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { type LiveEvent, type LiveState, LiveView } from './live-view.js';

/** Pause between reads of a view while something happens in it. */
const READ_EVERY_MS = 200;
/** Pause between reads while nothing happens, or after a failed one. */
const IDLE_MS = 1_000;
/** Reads without a change until nothing happens. */
const IDLE_AFTER = 10;
/** The pause after a read is at least this multiple of its time, so that a slow view is read a fifth of the time. */
const PAUSE_PER_READ = 4;

/** One view, which is read while it has listeners. They share the reads. */
export class LiveSource {
  private readonly view = new LiveView();
  private readonly ended = new AbortController();
  private waiting: (() => void)[] = [];

  /**
   * @param read Reads the state.
   * @param failed Is called with the error of a failed read. The next one follows in a second.
   */
  constructor(
    private readonly read: () => Promise<LiveState>,
    private readonly failed: (error: unknown) => void,
  ) {
    void this.run();
  }

  /** Yields the state, then what changed, until the source ends or the signal aborts. */
  async *events(signal: AbortSignal): AsyncGenerator<LiveEvent> {
    let known = 0;
    const release = (): void => void this.wake();
    signal.addEventListener('abort', release, { once: true });
    try {
      for (;;) {
        while (known === this.view.version && !signal.aborted && !this.ended.signal.aborted) {
          await new Promise<void>((resolve) => this.waiting.push(resolve));
        }
        if (signal.aborted || this.ended.signal.aborted) return;
        const event = this.view.since(known);
        known = this.view.version;
        yield event;
      }
    } finally {
      signal.removeEventListener('abort', release);
    }
  }

  /** Ends the reads and the events of all listeners. */
  end(): void {
    this.ended.abort();
    void this.wake();
  }

  private async run(): Promise<void> {
    let unchanged = 0;
    while (!this.ended.signal.aborted) {
      const startMs = performance.now();
      try {
        const isChanged = this.view.update(await this.read(), Date.now());
        unchanged = isChanged ? 0 : unchanged + 1;
        if (isChanged) void this.wake();
      } catch (error) {
        unchanged = IDLE_AFTER;
        if (!this.ended.signal.aborted) this.failed(error);
      }
      const leastMs = unchanged < IDLE_AFTER ? READ_EVERY_MS : IDLE_MS;
      const pauseMs = Math.max(leastMs, PAUSE_PER_READ * (performance.now() - startMs));
      await sleep(pauseMs, undefined, { signal: this.ended.signal, ref: false }).catch(() => undefined);
    }
  }

  /** Lets every listener look at the version again, one in each turn: together they would write megabytes in one go. */
  private async wake(): Promise<void> {
    const { waiting } = this;
    this.waiting = [];
    for (const look of waiting) {
      look();
      await nextTurn();
    }
  }
}
