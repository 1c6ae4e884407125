/** Time constant of the exponential mean. */
const MEMORY_S = 10;

/** Completions per second over about the last ten seconds. */
export class Throughput {
  private perSecond = 0;
  private readonly sinceMs: number;
  private atMs: number;

  constructor(private readonly nowMs: () => number = () => performance.now()) {
    this.sinceMs = this.atMs = this.nowMs();
  }

  /** Adds completions since the last call. */
  add(count: number): void {
    this.perSecond = this.decayed() + count / MEMORY_S;
    this.atMs = this.nowMs();
  }

  perS(): number {
    // Soon after the start, the mean covers less time and is scaled up accordingly.
    const knownS = (this.nowMs() - this.sinceMs) / 1_000;
    const share = 1 - Math.exp(-Math.max(1, knownS) / MEMORY_S);
    return this.decayed() / share;
  }

  private decayed(): number {
    return this.perSecond * Math.exp((this.atMs - this.nowMs()) / 1_000 / MEMORY_S);
  }
}
