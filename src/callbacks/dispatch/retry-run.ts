import type { DueDelivery } from './due.store.js';

/** The most retries that one process holds of one destination. */
const MAX_HELD = 256;
/** As many are held as are sent in this time, so that few are in doubt when the process dies. */
const HELD_MS = 100;

/** Retries of one destination that are due, each leased, and so on record as started, before it is handed out. */
export class RetryRun {
  private readonly held: DueDelivery[] = [];
  private readonly beganAtMs = performance.now();
  private handedOut = 0;
  private leasing: Promise<void> | null = null;
  private hasMore = true;

  /**
   * @param senders How many take from it side by side.
   * @param lease Leases up to so many that are due.
   */
  constructor(
    private readonly senders: number,
    private readonly lease: (limit: number) => Promise<DueDelivery[]>,
  ) {}

  /** The next one to send; null when no more is due. */
  async next(): Promise<DueDelivery | null> {
    while (this.held.length === 0 && this.hasMore) await (this.leasing ?? this.leaseMore());
    const delivery = this.held.shift();
    if (!delivery) return null;
    this.handedOut++;
    if (this.hasMore && !this.leasing && this.held.length < this.wanted() / 2)
      void this.leaseMore().catch(() => undefined);
    return delivery;
  }

  /** Ends it; gives what was not handed out. */
  async end(): Promise<DueDelivery[]> {
    this.hasMore = false;
    await this.leasing?.catch(() => undefined);
    return this.held.splice(0);
  }

  private wanted(): number {
    const perMs = this.handedOut / Math.max(1, performance.now() - this.beganAtMs);
    return Math.max(this.senders, Math.min(MAX_HELD, Math.floor(perMs * HELD_MS)));
  }

  private leaseMore(): Promise<void> {
    const limit = this.wanted();
    this.leasing ??= this.lease(limit)
      .then((leased) => {
        this.held.push(...leased);
        this.hasMore &&= leased.length === limit;
      })
      .finally(() => (this.leasing = null));
    return this.leasing;
  }
}
