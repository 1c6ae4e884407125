/**
 * Balances now, as of any instant, and through any entry equal a recount of the lines in every state of folding, and
 * every block is folded exactly once.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { BalancesQuery } from '../../src/books/journal/balances/balances.schema.js';
import { BLOCK } from '../../src/books/journal/balances/blocks.js';
import type { NewEntry, NewLine } from '../../src/books/journal/journal-entry.js';
import { openStores, type Stores } from '../support/stores.js';
import { balancesOf, newBooks, postEntries, transfer } from './books-fixture.js';

const FIRST_DAY = Date.UTC(2025, 11, 20);
const DAYS = 40;
const DAY_MS = 86_400_000;

let stores: Stores;
let books: ReturnType<typeof balancesOf>;
beforeAll(async () => {
  stores = await openStores();
  books = balancesOf(stores);
});

const below = (limit: number): number => Math.floor(Math.random() * limit);
const anyOf = <T>(values: readonly T[]): T => values[below(values.length)]!;

/** An instant that is often the edge of a day. */
function randomTime(): Date {
  const dayMs = FIRST_DAY + below(DAYS) * DAY_MS;
  return new Date(dayMs + anyOf([0, DAY_MS - 1, below(DAY_MS)]));
}

function randomEntry(): NewEntry {
  const currency = anyOf(['USD', 'EUR', 'JPY']);
  const accounts = ['assets:cash', 'assets:bank', 'income:orders', 'liabilities:tax', 'expenses:fees:card'];
  const amounts = Array.from({ length: 1 + below(3) }, () => (below(1_000) + 1) * anyOf([1, -1]));
  const lines: NewLine[] = amounts.map((amountCents) => ({ ledgerAccount: anyOf(accounts), currency, amountCents }));
  const rest = -amounts.reduce((sum, amount) => sum + amount, 0);
  return {
    effectiveAt: randomTime(),
    kind: 'adjustment',
    lines: [...lines, { ledgerAccount: anyOf(accounts), currency, amountCents: rest }],
  };
}

/** Posts random entries from several writers. */
async function fill(account: string, count: number): Promise<void> {
  const writers = 4;
  const write = async (): Promise<void> => {
    for (let left = count / writers; left > 0; left -= 100) {
      await postEntries(stores, account, Array.from({ length: Math.min(left, 100) }, randomEntry));
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  // The service does this whenever a table has doubled.
  await stores.sql('ANALYZE journal_entries, journal_lines, journal_folds, journal_totals, journal_block_totals');
}

interface Row {
  ledger_account: string;
  currency: string;
  amount_cents: number;
}

async function balances(account: string, query: BalancesQuery = {}): Promise<Row[]> {
  return (JSON.parse(await books.service.view(account, query)) as { balances: Row[] }).balances;
}

/** Sums every line of the account, one by one. */
async function recount(account: string, { as_of: asOf, through_entry: through }: BalancesQuery): Promise<Row[]> {
  return stores.sql<Row>(
    `SELECT ledger_account, currency, sum(amount_cents)::bigint AS amount_cents
      FROM journal_lines JOIN journal_entries USING (account_id, number)
      WHERE account_id = $1 AND effective_at <= coalesce($2::timestamptz, 'infinity') AND number <= coalesce($3::bigint, 1e9)
      GROUP BY ledger_account, currency ORDER BY ledger_account, currency`,
    [account, asOf ?? null, through ?? null],
  );
}

async function foldedBlocks(account: string): Promise<number> {
  const rows = await stores.sql<{ blocks: number }>('SELECT blocks FROM journal_folds WHERE account_id = $1', [
    account,
  ]);
  return rows[0]?.blocks ?? 0;
}

async function expectBalances(account: string, last: number): Promise<void> {
  const edges = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, last - 1, last].filter((n) => n >= 0 && n <= last);
  const queries: BalancesQuery[] = [
    {},
    ...edges.map((number) => ({ through_entry: number })),
    ...Array.from({ length: 5 }, () => ({ through_entry: below(last + 1) })),
    ...Array.from({ length: 12 }, () => ({ as_of: randomTime() })),
    { as_of: new Date(FIRST_DAY - 1) },
    { as_of: new Date(FIRST_DAY + (DAYS + 1) * DAY_MS) },
  ];
  for (const query of queries) {
    expect([query, await balances(account, query)]).toEqual([query, await recount(account, query)]);
  }
}

describe('balances', () => {
  it('equal a recount, unfolded, half folded, folded, and with a tail after that', async () => {
    const account = newBooks();
    expect(await balances(account)).toEqual([]);
    const last = BLOCK + 452;
    await fill(account, last);
    await expectBalances(account, last);
    expect(await foldedBlocks(account)).toBe(0);

    await books.service.sweep();
    expect(await foldedBlocks(account)).toBe(1);
    await expectBalances(account, last);

    await fill(account, BLOCK);
    await expectBalances(account, last + BLOCK);
    expect(await foldedBlocks(account)).toBe(1);
  });

  it('equal a recount while entries are posted and folded by several processes', async () => {
    const account = newBooks();
    let isDone = false;
    const fold = async (): Promise<void> => {
      while (!isDone) await books.service.sweep();
    };
    const read = async (): Promise<void> => {
      while (!isDone) {
        const sums = new Map<string, number>();
        for (const { currency, amount_cents } of await balances(account)) {
          sums.set(currency, (sums.get(currency) ?? 0) + amount_cents);
        }
        expect([...sums.values()].filter((sum) => sum !== 0)).toEqual([]);
      }
    };
    const background = [fold(), fold(), read(), read()];
    await fill(account, 4 * BLOCK).finally(() => (isDone = true));
    await Promise.all(background);
    await books.service.sweep();
    expect(await foldedBlocks(account)).toBe(4);
    await expectBalances(account, 4 * BLOCK);
  });

  it('are read after the read itself has folded many blocks', async () => {
    const account = newBooks();
    await fill(account, 6 * BLOCK);
    expect(await foldedBlocks(account)).toBe(0);
    await balances(account);
    expect(await foldedBlocks(account)).toBe(6);
    await expectBalances(account, 6 * BLOCK);
  }, 180_000);

  it('are folded and read by a good plan before new entries are analyzed', async () => {
    const account = newBooks();
    await stores.sql('ALTER TABLE journal_entries SET (autovacuum_enabled = off)');
    await stores.sql('ALTER TABLE journal_lines SET (autovacuum_enabled = off)');
    await fill(account, 3 * BLOCK);
    await books.service.sweep();
    for (let block = 0; block < 16; block++)
      await postEntries(stores, account, Array.from({ length: BLOCK }, randomEntry));
    const startMs = performance.now();
    await balances(account);
    expect(await foldedBlocks(account)).toBe(19);
    // 40 ms. A nested loop over both ranges takes 26 s.
    expect(performance.now() - startMs).toBeLessThan(10_000);
    await stores.sql('ALTER TABLE journal_entries RESET (autovacuum_enabled)');
    await stores.sql('ALTER TABLE journal_lines RESET (autovacuum_enabled)');
  });

  it('are exact beyond 2^53', async () => {
    const account = newBooks();
    const large = Number.MAX_SAFE_INTEGER;
    await postEntries(stores, account, [transfer(large), transfer(large), transfer(large)]);
    expect(await books.service.view(account, {})).toContain('"amount_cents":27021597764222973');
    const many = Array.from({ length: 2 * BLOCK }, () => transfer(large));
    await postEntries(stores, account, many);
    await books.service.sweep();
    expect(await foldedBlocks(account)).toBe(2);
    const sum = BigInt(large) * BigInt(many.length + 3);
    expect(await books.service.view(account, {})).toContain(`"amount_cents":${sum}`);
    expect(await books.service.view(account, { as_of: new Date(Date.now() + DAY_MS) })).toContain(
      `"amount_cents":-${sum}`,
    );
  });

  it('through an entry that does not exist are refused', async () => {
    const account = newBooks();
    await postEntries(stores, account, [transfer(1)]);
    await expect(books.service.view(account, { through_entry: 2 })).rejects.toMatchObject({
      issues: [{ path: 'through_entry', message: expect.stringContaining('newest is 1') }],
    });
  });
});

describe('folding', () => {
  it('waits for complete blocks, and folds each once', async () => {
    const account = newBooks();
    await postEntries(
      stores,
      account,
      Array.from({ length: BLOCK - 1 }, () => transfer(1)),
    );
    expect(await books.folds.fold(account)).toBe(false);
    await postEntries(stores, account, [transfer(1)]);
    const folded = await Promise.all([1, 2, 3].map(() => books.folds.fold(account)));
    expect(folded.filter(Boolean)).toHaveLength(1);
    expect(await books.folds.fold(account)).toBe(false);
    expect(await balances(account)).toEqual(await recount(account, {}));
  });
});

describe('the number of balances', () => {
  it('is limited for adjustments', async () => {
    const account = newBooks();
    const lines = Array.from({ length: 1_000 }, (_, n) => ({
      ledgerAccount: `assets:a${n}`,
      currency: 'USD',
      amountCents: n % 2 === 0 ? 1 : -1,
    }));
    const check = (checked: NewLine[]) =>
      stores.database.transaction(async (query) => {
        await books.service.checkLimit(query, account, checked);
        return true;
      });
    await check(lines);
    await postEntries(stores, account, [transfer(1, { lines })]);
    await check(lines.slice(0, 2));
    const isTooMany = expect.objectContaining({ code: 'too-many-balances' });
    await expect(check([{ ...lines[0]!, currency: 'EUR' }])).rejects.toEqual(isTooMany);
    await postEntries(
      stores,
      account,
      Array.from({ length: BLOCK }, () => transfer(1, { lines: lines.slice(0, 2) })),
    );
    await books.service.sweep();
    await check(lines);
    await expect(check([{ ...lines[0]!, ledgerAccount: 'assets:new' }])).rejects.toEqual(isTooMany);
  });
});
