/** Interval at which a worker without a free thread looks for accounts that wait. */
const CHECK_INTERVAL_MS = 100;
/** A lane runs at least this long: leasing one takes about five milliseconds. */
const MIN_SLICE_MS = 200;

/** A lane that this worker runs. */
export interface RunningLane {
  account: string;
  startedAtMs: number;
  /** Ends its time slice after the report in hand. */
  yielding: AbortController;
}

/**
 * Returns the running lane that should make room for a lane of an account that waits: one of the account with the most
 * running lanes, and of those the one that has run longest. Null if the waiting account has as many running lanes itself.
 */
export function laneToYield(running: readonly RunningLane[], waiting: string, nowMs: number): RunningLane | null {
  const lanesOf = (account: string): number => running.filter((lane) => lane.account === account).length;
  const most = lanesOf(waiting) + 1;
  const [first] = running
    .filter(({ account, startedAtMs }) => lanesOf(account) >= most && nowMs - startedAtMs >= MIN_SLICE_MS)
    .filter(({ account }) => account !== waiting)
    .toSorted((a, b) => lanesOf(b.account) - lanesOf(a.account) || a.startedAtMs - b.startedAtMs);
  return first ?? null;
}

/**
 * Ends the time slice of a lane early when another account waits and this worker has no free thread: a lane of an account
 * that was idle starts after one report of another account, and not after a whole slice of it (docs/state-machines.md).
 */
export class TimeShare {
  private readonly running = new Set<RunningLane>();
  private timer: NodeJS.Timeout | undefined;
  private isChecking = false;

  /**
   * @param limit Lanes that run at once.
   * @param findWaiting Takes the accounts of the running lanes. Returns the one whose lane would be leased next; null if
   *   none waits.
   */
  constructor(
    private readonly limit: number,
    private readonly findWaiting: (running: string[]) => Promise<string | null>,
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {}

  /** The account of each running lane. */
  get accounts(): string[] {
    return [...this.running].map(({ account }) => account);
  }

  /** Adds a lane that starts now. @returns Pass it to {@link remove} when the lane has ended. */
  add(account: string): RunningLane {
    const lane = { account, startedAtMs: this.monotonicMs(), yielding: new AbortController() };
    this.running.add(lane);
    if (this.running.size >= this.limit) this.timer ??= setInterval(() => void this.check(), CHECK_INTERVAL_MS).unref();
    return lane;
  }

  remove(lane: RunningLane): void {
    this.running.delete(lane);
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Asks one lane to yield if an account waits for it. One at a time: the next claim decides who gets the thread. */
  async check(): Promise<void> {
    if (this.isChecking || [...this.running].some(({ yielding }) => yielding.signal.aborted)) return;
    this.isChecking = true;
    try {
      const waiting = await this.findWaiting(this.accounts);
      // A lane that has ended meanwhile has made the room.
      if (waiting === null || this.running.size < this.limit) return;
      laneToYield([...this.running], waiting, this.monotonicMs())?.yielding.abort();
    } catch {
      // The database is away; the slice ends by itself.
    } finally {
      this.isChecking = false;
    }
  }
}
