import { Injectable } from '@nestjs/common';
import { pageOf } from '../../../platform/database/page.js';
import { type AccountId, storedAccount } from '../../../platform/tenant.js';
import type { PeriodsQuery, PeriodView } from './periods.schema.js';
import { type Period, PeriodsStore } from './periods.store.js';

/** The months of the books, which are closed once they are complete. */
@Injectable()
export class PeriodsService {
  constructor(private readonly periods: PeriodsStore) {}

  /** @returns One page, newest first, and the cursor of the next (null on the last). */
  async list(account: AccountId, { limit, cursor }: PeriodsQuery): Promise<object> {
    const read = (count: number) => this.periods.list(storedAccount(account), cursor, count);
    const { page, next_cursor } = await pageOf(limit, read, ({ period }) => period);
    return { periods: page.map(periodView), next_cursor };
  }

  /** Closes a month, also one that is not over. Closing it again changes nothing. */
  async close(account: AccountId, period: string): Promise<PeriodView> {
    await this.periods.close(storedAccount(account), period);
    return this.view(account, period);
  }

  /** Reopens a month. Reopening an open one changes nothing. */
  async reopen(account: AccountId, period: string): Promise<PeriodView> {
    await this.periods.reopen(storedAccount(account), period);
    return this.view(account, period);
  }

  private async view(account: AccountId, period: string): Promise<PeriodView> {
    return periodView({ period, closedAt: await this.periods.closedAt(storedAccount(account), period) });
  }
}

function periodView({ period, closedAt }: Period): PeriodView {
  return { period, status: closedAt ? 'closed' : 'open', closed_at: closedAt?.toISOString() ?? null };
}
