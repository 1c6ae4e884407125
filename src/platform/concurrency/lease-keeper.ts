/**
 * Keeps leases alive while they are worked under, and knows when one may have passed to somebody else: a process that
 * was stopped and goes on must find that out by itself before it does anything more.
 */
export class LeaseKeeper<Lease extends object> {
  /** Each lease with the monotonic time until which nobody else can hold it, in milliseconds. */
  private readonly safeUntilMs = new Map<Lease, number>();
  private timer: NodeJS.Timeout | undefined;

  /** @param renew Renews leases; gives those that are still ours. What it fails to renew runs out. */
  constructor(
    private readonly leaseMs: number,
    private readonly renew: (leases: Lease[]) => Promise<Lease[]>,
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {}

  /** @param leasedAtMs The monotonic time before the lease was asked for. */
  add(lease: Lease, leasedAtMs: number): void {
    this.safeUntilMs.set(lease, leasedAtMs + this.leaseMs);
    this.timer ??= setInterval(() => void this.renewAll(), this.leaseMs / 3).unref();
  }

  /** Forgets a lease that was given back. */
  remove(lease: Lease): void {
    this.safeUntilMs.delete(lease);
    if (this.safeUntilMs.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Whether the lease is certainly still ours. */
  isSafe(lease: Lease): boolean {
    return this.monotonicMs() < (this.safeUntilMs.get(lease) ?? Number.NEGATIVE_INFINITY);
  }

  private async renewAll(): Promise<void> {
    const askedAtMs = this.monotonicMs();
    const asked = [...this.safeUntilMs.keys()];
    const ours = await this.renew(asked).catch(() => null);
    if (!ours) return;
    for (const lease of asked) {
      const safeUntilMs = ours.includes(lease) ? askedAtMs + this.leaseMs : Number.NEGATIVE_INFINITY;
      if (this.safeUntilMs.has(lease)) this.safeUntilMs.set(lease, safeUntilMs);
    }
  }
}
