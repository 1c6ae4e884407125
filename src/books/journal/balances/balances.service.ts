import { Injectable } from '@nestjs/common';
import { InvalidInput } from '../../../http/validation.js';
import { withinTimeBudget } from '../../../platform/concurrency/time-budget.js';
import { Database, type Query } from '../../../platform/database/database.js';
import { type AccountId, storedAccount } from '../../../platform/tenant.js';
import { withExactCents } from '../../exact-json.js';
import type { NewLine } from '../journal-entry.js';
import { TooManyBalances } from '../journal.errors.js';
import type { BalancesQuery } from './balances.schema.js';
import { type Balance, type Balances, BalancesStore } from './balances.store.js';
import { completeBlocks } from './blocks.js';
import { FoldsStore } from './folds.store.js';

/** Balances that adjustments may give the books of an account. Orders and bookings add a few. */
const MAX_BALANCES = 1_000;
/** Complete blocks that a read leaves to the sweep. It folds further ones itself, so that it sums few lines. */
export const MAX_UNFOLDED = 1;
/** Time that a read spends on folding. It sums the lines of the other blocks. */
const FOLD_BUDGET_MS = 1_000;
/** Accounts that one sweep folds, and its time for each of them. */
const ACCOUNTS_PER_SWEEP = 20;
const SWEEP_BUDGET_MS = 500;

/** Balances of the journal, and the folding that keeps them fast. */
@Injectable()
export class BalancesService {
  constructor(
    private readonly database: Database,
    private readonly balances: BalancesStore,
    private readonly folds: FoldsStore,
  ) {}

  /**
   * @returns JSON text, because amounts can exceed 2^53.
   * @throws InvalidInput for an entry that is not posted yet: its balances would not stay the same.
   */
  async view(account: AccountId, { as_of: asOf, through_entry: throughEntry }: BalancesQuery): Promise<string> {
    const books = storedAccount(account);
    await this.foldBacklog(books);
    const { lastNumber, balances } = await this.read(books, { asOf, throughEntry });
    if (throughEntry !== undefined && throughEntry > lastNumber) throw notPosted(lastNumber);
    return balancesJson(asOf ?? null, throughEntry ?? lastNumber, balances);
  }

  /**
   * Checks that an entry leaves the books with a bounded number of balances, because all of them are read at once.
   * @throws TooManyBalances
   */
  async checkLimit(query: Query, books: string, lines: readonly NewLine[]): Promise<void> {
    const added = await this.balances.countNew(query, books, lines);
    if (added === 0) return;
    const { balances } = await this.balances.now(query, books);
    const known = new Set(balances.map(pairOf));
    const all = new Set([...known, ...lines.map(pairOf)]);
    if (all.size > known.size && all.size > MAX_BALANCES) throw new TooManyBalances(MAX_BALANCES);
  }

  /** Folds complete blocks of the accounts with most of them. Every sweep of a worker calls it. */
  async sweep(): Promise<void> {
    for (const books of await this.folds.behind(ACCOUNTS_PER_SWEEP)) {
      await withinTimeBudget(SWEEP_BUDGET_MS, () => this.folds.fold(books));
    }
  }

  private async foldBacklog(books: string): Promise<void> {
    const { lastNumber, blocks } = await this.balances.extent(this.database.query, books);
    if (completeBlocks(lastNumber) - blocks <= MAX_UNFOLDED) return;
    await withinTimeBudget(FOLD_BUDGET_MS, () => this.folds.fold(books));
  }

  private read(books: string, { asOf, throughEntry }: { asOf?: Date; throughEntry?: number }): Promise<Balances> {
    const { query } = this.database;
    if (asOf) return this.balances.asOf(query, books, asOf);
    if (throughEntry !== undefined) return this.balances.through(query, books, throughEntry);
    return this.balances.now(query, books);
  }
}

const pairOf = ({ ledgerAccount, currency }: Pick<Balance, 'ledgerAccount' | 'currency'>): string =>
  `${ledgerAccount} ${currency}`;

function notPosted(lastNumber: number): InvalidInput {
  const message = `must be the number of a posted entry; the newest is ${lastNumber}`;
  return new InvalidInput('query', [{ path: 'through_entry', message }]);
}

function balancesJson(asOf: Date | null, through: number, rows: readonly Balance[]): string {
  const balances = rows.map(({ ledgerAccount, currency, amountCents }) =>
    withExactCents({ ledger_account: ledgerAccount, currency }, 'amount_cents', amountCents),
  );
  return `{"as_of":${JSON.stringify(asOf)},"through_entry":${through},"balances":[${balances.join(',')}]}`;
}
