/** An account that was served longer ago than this counts as idle. */
const RECENT_MS = 60_000;
/** Most accounts that are remembered; of more, those served longest ago count as idle. */
const MOST_ACCOUNTS = 256;

/**
 * Remembers when this worker last leased a lane of each account, so that accounts take turns (docs/state-machines.md). Each
 * worker remembers for itself: one that is fair alone is fair beside others, and a claim needs no row to write.
 */
export class AccountTurns {
  /** The monotonic time of the last lease of each account, oldest first. */
  private readonly servedAtMs = new Map<string, number>();

  constructor(private readonly monotonicMs: () => number = () => performance.now()) {}

  /** Records that a lane of the account was leased. */
  served(account: string): void {
    this.servedAtMs.delete(account);
    this.servedAtMs.set(account, this.monotonicMs());
    this.forget();
  }

  /**
   * Returns the accounts that were served recently, in the order of their turns: the one with the fewest running lanes
   * first, and of those with as many the one that was served longest ago.
   * @param running The account of each lane that this worker runs.
   */
  recent(running: readonly string[]): string[] {
    this.forget();
    const lanes = new Map<string, number>();
    for (const account of running) lanes.set(account, (lanes.get(account) ?? 0) + 1);
    const accounts = [...new Set([...this.servedAtMs.keys(), ...running])];
    return accounts.toSorted((a, b) => (lanes.get(a) ?? 0) - (lanes.get(b) ?? 0));
  }

  private forget(): void {
    const sinceMs = this.monotonicMs() - RECENT_MS;
    for (const [account, servedAtMs] of this.servedAtMs) {
      if (servedAtMs >= sinceMs && this.servedAtMs.size <= MOST_ACCOUNTS) return;
      this.servedAtMs.delete(account);
    }
  }
}
