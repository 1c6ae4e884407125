import { Inject, Injectable } from '@nestjs/common';
import { Throughput } from '../../platform/concurrency/throughput.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Metrics } from '../../platform/observability/metrics.js';
import type { AccountId } from '../../platform/tenant.js';
import { AccountBacklogFull, StorageQuotaExceeded } from '../../requests/requests.errors.js';
import { StorageUsage } from '../../requests/storage-usage/storage-usage.service.js';
import { BacklogStore } from './backlog.store.js';
import { retryAfterS } from './retry-after.js';

/** The age of the stored bytes that a request is held against. {@link Backlog.count} reads them once a second. */
const USAGE_MAX_AGE_MS = 5_000;

/** Unfinished async requests, and the estimated bytes of the files of unfinished requests. */
export interface Claim {
  requests: number;
  bytes: number;
}

class Tally implements Claim {
  requests = 0;
  bytes = 0;

  add({ requests, bytes }: Claim): void {
    this.requests += requests;
    this.bytes += bytes;
  }

  subtract({ requests, bytes }: Claim): void {
    this.requests -= requests;
    this.bytes -= bytes;
  }

  copy(): Claim {
    return { requests: this.requests, bytes: this.bytes };
  }
}

class AccountBacklog {
  /** By the last count in the database. */
  counted: Claim = new Tally();
  /** Accepted by this process since that count began. */
  readonly accepted = new Tally();
  /** Being accepted by this process, and sync requests that it runs. */
  readonly inHand = new Tally();
  readonly throughput = new Throughput();

  get requests(): number {
    return this.counted.requests + this.accepted.requests + this.inHand.requests;
  }

  get bytes(): number {
    return this.counted.bytes + this.accepted.bytes + this.inHand.bytes;
  }
}

/**
 * The unfinished async requests of each account and the bytes that its unfinished requests reserve, as this process
 * estimates them: the last count in the database, and the requests that this process has accepted since or has in hand.
 * Checking a request only compares numbers.
 *
 * One process never exceeds a limit. Several may exceed it by what the others accept within a second, the interval of the
 * counts, and by the sync requests that the others run.
 */
@Injectable()
export class Backlog {
  /** Accounts without unfinished requests are left out. */
  private readonly accounts = new Map<AccountId, AccountBacklog>();

  constructor(
    private readonly store: BacklogStore,
    private readonly usage: StorageUsage,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Pick<Config, 'MAX_PENDING_ACCOUNT' | 'MAX_STORAGE_ACCOUNT'>,
  ) {}

  /** Counts the unfinished async requests of the whole installation. @throws DatabaseUnavailable */
  async countPending(): Promise<number> {
    const accounts = await this.store.countByAccount();
    return accounts.reduce((sum, { pending }) => sum + pending, 0);
  }

  /**
   * Accepts async requests of one account. They count from the start, so that concurrent calls do not exceed a limit together.
   * @throws AccountBacklogFull, StorageQuotaExceeded, and the error of `accept`.
   */
  async admit<Accepted>(account: AccountId, claim: Claim, accept: () => Promise<Accepted>): Promise<Accepted> {
    const backlog = await this.take(account, claim);
    try {
      const accepted = await accept();
      backlog.accepted.add(claim);
      return accepted;
    } finally {
      backlog.inHand.subtract(claim);
    }
  }

  /**
   * Reserves the bytes of a sync request.
   * @returns Gives them back, when the request is finished.
   * @throws StorageQuotaExceeded
   */
  async reserve(account: AccountId, bytes: number): Promise<() => void> {
    const claim = { requests: 0, bytes };
    const backlog = await this.take(account, claim);
    return () => backlog.inHand.subtract(claim);
  }

  /** Updates the estimates from the database. @throws DatabaseUnavailable */
  async count(): Promise<void> {
    const before = new Map([...this.accounts].map(([account, { accepted }]) => [account, accepted.copy()]));
    const counts = await this.store.countByAccount();
    const counted = new Map(
      counts.map(({ account, pending, reservedBytes }) => [account, { requests: pending, bytes: reservedBytes }]),
    );
    for (const account of counted.keys()) this.of(account);
    for (const [account, backlog] of this.accounts) {
      const [accepted, now] = [before.get(account), counted.get(account) ?? new Tally()];
      if (accepted) {
        // Requests accepted by other processes hide finished ones. At the limit no process accepts any, so the throughput
        // is right when it matters.
        backlog.throughput.add(Math.max(0, backlog.counted.requests + accepted.requests - now.requests));
        backlog.accepted.subtract(accepted);
      }
      backlog.counted = now;
      if (backlog.requests === 0 && backlog.bytes === 0) this.accounts.delete(account);
    }
    // Behind the reserved bytes: a request that finishes in between counts twice until the next time, and not never.
    await this.usage.refresh();
  }

  /** Checks the limits, and counts the claim as in hand in the same step. */
  private async take(account: AccountId, claim: Claim): Promise<AccountBacklog> {
    // A request without a file needs no room.
    const used = claim.bytes > 0 ? await this.usage.bytesOf(account, USAGE_MAX_AGE_MS) : 0;
    const backlog = this.of(account);
    this.checkRequests(backlog, claim.requests);
    if (claim.bytes > 0) this.checkBytes(backlog, claim.bytes, used);
    backlog.inHand.add(claim);
    return backlog;
  }

  private checkRequests(backlog: AccountBacklog, requests: number): void {
    const { MAX_PENDING_ACCOUNT: limit } = this.config;
    if (requests === 0 || backlog.requests + requests <= limit) return;
    this.metrics.shed.inc({ reason: 'backlog' });
    throw new AccountBacklogFull(limit, retryAfterS(limit, backlog.throughput.perS()));
  }

  private checkBytes({ bytes: reserved }: AccountBacklog, needed: number, used: number): void {
    const { MAX_STORAGE_ACCOUNT: limit } = this.config;
    if (limit === null || used + reserved + needed <= limit) return;
    throw new StorageQuotaExceeded({ limit, used, reserved, needed });
  }

  private of(account: AccountId): AccountBacklog {
    let backlog = this.accounts.get(account);
    if (!backlog) this.accounts.set(account, (backlog = new AccountBacklog()));
    return backlog;
  }
}
