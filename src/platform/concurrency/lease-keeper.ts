/**
 * Renews leases while their work is in progress, and knows when one may have expired. A process that was suspended must
 * detect that another worker may hold its lease before it writes anything (docs/state-machines.md).
 */
export class LeaseKeeper<Lease extends object> {
  /** For each lease, the monotonic time in milliseconds until which no other worker can take it. */
  private readonly safeUntilMs = new Map<Lease, number>();
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param leaseMs Duration of a lease.
   * @param renew Renews leases and returns those that this process still holds. If it rejects, the leases run out.
   */
  constructor(
    private readonly leaseMs: number,
    private readonly renew: (leases: Lease[]) => Promise<Lease[]>,
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {}

  /** Starts to renew a lease. @param leasedAtMs The monotonic time before the lease was requested. */
  add(lease: Lease, leasedAtMs: number): void {
    this.safeUntilMs.set(lease, leasedAtMs + this.leaseMs);
    this.timer ??= setInterval(() => void this.renewAll(), this.leaseMs / 3).unref();
  }

  /** Stops renewing a lease that was released. */
  remove(lease: Lease): void {
    this.safeUntilMs.delete(lease);
    if (this.safeUntilMs.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Whether this process certainly still holds the lease. */
  isSafe(lease: Lease): boolean {
    return this.monotonicMs() < (this.safeUntilMs.get(lease) ?? Number.NEGATIVE_INFINITY);
  }

  private async renewAll(): Promise<void> {
    const requestedAtMs = this.monotonicMs();
    const requested = [...this.safeUntilMs.keys()];
    const renewed = await this.renew(requested).catch(() => null);
    if (!renewed) return;
    for (const lease of requested) {
      const safeUntilMs = renewed.includes(lease) ? requestedAtMs + this.leaseMs : Number.NEGATIVE_INFINITY;
      if (this.safeUntilMs.has(lease)) this.safeUntilMs.set(lease, safeUntilMs);
    }
  }
}
