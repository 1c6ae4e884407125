import type { DueDelivery } from '../leases/due-delivery.js';

/** Most retries of one destination that one process leases at a time. */
const MAX_LEASED = 256;
/** As many are leased as are sent in this time, so that a crash leaves few outcomes unknown. */
const LEASED_AHEAD_MS = 100;

/** The due retries of one destination. Each is leased, and thereby recorded as started, before it is handed out. */
export class RetryRun {
  private readonly leased: DueDelivery[] = [];
  private readonly startedAtMs = performance.now();
  private handedOut = 0;
  private leasing: Promise<void> | null = null;
  private hasMore = true;

  /**
   * @param senders How many senders take from it concurrently.
   * @param lease Leases up to `limit` retries that are due.
   */
  constructor(
    private readonly senders: number,
    private readonly lease: (limit: number) => Promise<DueDelivery[]>,
  ) {}

  /** @returns The next retry to send; null when no more are due. */
  async next(): Promise<DueDelivery | null> {
    while (this.leased.length === 0 && this.hasMore) await (this.leasing ?? this.leaseMore());
    const delivery = this.leased.shift();
    if (!delivery) return null;
    this.handedOut++;
    if (this.hasMore && !this.leasing && this.leased.length < this.wanted() / 2)
      void this.leaseMore().catch(() => undefined);
    return delivery;
  }

  /** Ends the run. @returns The retries that were leased and not handed out. */
  async end(): Promise<DueDelivery[]> {
    this.hasMore = false;
    await this.leasing?.catch(() => undefined);
    return this.leased.splice(0);
  }

  private wanted(): number {
    const perMs = this.handedOut / Math.max(1, performance.now() - this.startedAtMs);
    return Math.max(this.senders, Math.min(MAX_LEASED, Math.floor(perMs * LEASED_AHEAD_MS)));
  }

  private leaseMore(): Promise<void> {
    const limit = this.wanted();
    this.leasing ??= this.lease(limit)
      .then((leased) => {
        this.leased.push(...leased);
        this.hasMore &&= leased.length === limit;
      })
      .finally(() => (this.leasing = null));
    return this.leasing;
  }
}
