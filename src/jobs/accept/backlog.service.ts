import { Inject, Injectable } from '@nestjs/common';
import { Throughput } from '../../platform/concurrency/throughput.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Metrics } from '../../platform/observability/metrics.js';
import type { AccountId } from '../../platform/tenant.js';
import { AccountBacklogFull } from '../../requests/requests.errors.js';
import { BacklogStore } from './backlog.store.js';
import { retryAfterS } from './retry-after.js';

/** Unfinished async requests of an account. */
class AccountBacklog {
  /** By the last count in the database. */
  counted = 0;
  /** Accepted by this process since that count began. */
  accepted = 0;
  /** Being accepted by this process. */
  accepting = 0;
  readonly throughput = new Throughput();

  get pending(): number {
    return this.counted + this.accepted + this.accepting;
  }
}

/**
 * The unfinished async requests of each account, as this process estimates them: the last count in the database, and the
 * requests that this process has accepted since or is accepting. Checking a request only compares numbers.
 *
 * One process never exceeds `MAX_PENDING_ACCOUNT`. Several may exceed it by the number that the others accept within a
 * second, the interval of the counts.
 */
@Injectable()
export class Backlog {
  /** Accounts without unfinished requests are left out. */
  private readonly accounts = new Map<AccountId, AccountBacklog>();

  constructor(
    private readonly store: BacklogStore,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Pick<Config, 'MAX_PENDING_ACCOUNT'>,
  ) {}

  /** Counts the unfinished async requests of the whole installation. @throws DatabaseUnavailable */
  async countPending(): Promise<number> {
    const accounts = await this.store.countByAccount();
    return accounts.reduce((sum, { pending }) => sum + pending, 0);
  }

  /**
   * Accepts async requests of one account. They count from the start, so that concurrent calls do not exceed the limit together.
   * @throws AccountBacklogFull, and the error of `accept`.
   */
  async admit<Accepted>(account: AccountId, requests: number, accept: () => Promise<Accepted>): Promise<Accepted> {
    const backlog = this.of(account);
    const { MAX_PENDING_ACCOUNT } = this.config;
    if (backlog.pending + requests > MAX_PENDING_ACCOUNT) {
      this.metrics.shed.inc({ reason: 'backlog' });
      throw new AccountBacklogFull(MAX_PENDING_ACCOUNT, retryAfterS(MAX_PENDING_ACCOUNT, backlog.throughput.perS()));
    }
    backlog.accepting += requests;
    try {
      const accepted = await accept();
      backlog.accepted += requests;
      return accepted;
    } finally {
      backlog.accepting -= requests;
    }
  }

  /** Updates the estimates from the database. @throws DatabaseUnavailable */
  async count(): Promise<void> {
    const before = new Map([...this.accounts].map(([account, { accepted }]) => [account, accepted]));
    const counts = new Map((await this.store.countByAccount()).map(({ account, pending }) => [account, pending]));
    for (const account of counts.keys()) this.of(account);
    for (const [account, backlog] of this.accounts) {
      const [accepted, pending] = [before.get(account), counts.get(account) ?? 0];
      // Requests accepted by other processes hide finished ones. At the limit no process accepts any, so the throughput is
      // right when it matters. The first count of an account has none before it.
      if (accepted !== undefined) backlog.throughput.add(Math.max(0, backlog.counted + accepted - pending));
      backlog.counted = pending;
      backlog.accepted -= accepted ?? 0;
      if (backlog.pending === 0) this.accounts.delete(account);
    }
  }

  private of(account: AccountId): AccountBacklog {
    let backlog = this.accounts.get(account);
    if (!backlog) this.accounts.set(account, (backlog = new AccountBacklog()));
    return backlog;
  }
}
