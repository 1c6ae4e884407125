/** What was finished so long ago counts for little (the time constant of the mean). */
const MEMORY_S = 10;

/** How much is finished a second, over about the last ten seconds. */
export class Throughput {
  private perSecond = 0;
  private readonly sinceMs: number;
  private atMs: number;

  constructor(private readonly nowMs: () => number = () => performance.now()) {
    this.sinceMs = this.atMs = this.nowMs();
  }

  /** So much was finished since the last time. */
  add(count: number): void {
    this.perSecond = this.decayed() + count / MEMORY_S;
    this.atMs = this.nowMs();
  }

  perS(): number {
    // At the beginning there is less to remember, and it counts for the whole.
    const knownS = (this.nowMs() - this.sinceMs) / 1_000;
    const share = 1 - Math.exp(-Math.max(1, knownS) / MEMORY_S);
    return this.decayed() / share;
  }

  private decayed(): number {
    return this.perSecond * Math.exp((this.atMs - this.nowMs()) / 1_000 / MEMORY_S);
  }
}
