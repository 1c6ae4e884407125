import type { ClaimedMail } from './claimed-mail.js';

/** Most messages that one process leases at a time. */
const MAX_LEASED = 512;
/** Messages are leased for this time ahead, so that new messages do not wait behind many leased ones. */
const LEASED_AHEAD_MS = 200;

/** Leases messages ahead of their attempts, so that attempts do not wait for the database. */
export class MailBuffer {
  private readonly leased: ClaimedMail[] = [];
  private leasing: Promise<void> | null = null;
  /** The number of wake-ups. No message is due if a claim found none and no wake-up came since the claim began. */
  private wakeUps = 0;
  private emptyAt = -1;
  private sinceMs = performance.now();
  private taken = 0;
  private isEnded = false;

  /** @param lease Leases about `limit` due messages; fewer mean that no more are due. */
  constructor(private readonly lease: (limit: number) => Promise<ClaimedMail[]>) {}

  /** Called when there may be due messages. */
  wake(): void {
    this.wakeUps++;
  }

  /** @returns Up to `limit` leased messages; none if no more are due. */
  async take(limit: number): Promise<ClaimedMail[]> {
    if (this.leased.length === 0) {
      if (this.leasing) await this.leasing;
      else if (this.mayLease) await this.leaseMore(limit);
    }
    const taken = this.leased.splice(0, limit);
    this.taken += taken.length;
    if (this.mayLease && !this.leasing && this.leased.length < this.wanted(limit) / 2) {
      void this.leaseMore(limit).catch(() => undefined);
    }
    return taken;
  }

  /** Ends it. @returns The messages that were leased and not taken. */
  async end(): Promise<ClaimedMail[]> {
    this.isEnded = true;
    await this.leasing?.catch(() => undefined);
    return this.leased.splice(0);
  }

  private get mayLease(): boolean {
    return !this.isEnded && this.emptyAt !== this.wakeUps;
  }

  private wanted(limit: number): number {
    const perMs = this.taken / Math.max(1, performance.now() - this.sinceMs);
    return Math.max(limit, Math.min(MAX_LEASED, Math.ceil(perMs * LEASED_AHEAD_MS)));
  }

  private leaseMore(limit: number): Promise<void> {
    const wanted = this.wanted(limit);
    this.sinceMs = performance.now();
    this.taken = 0;
    const { wakeUps } = this;
    this.leasing = this.lease(wanted)
      .then((messages) => {
        this.leased.push(...messages);
        if (messages.length === 0) this.emptyAt = wakeUps;
      })
      .finally(() => (this.leasing = null));
    return this.leasing;
  }
}
