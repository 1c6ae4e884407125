/**
 * Each report over the books equals a recount of the entries in TypeScript, whatever its interval, last entry and currency:
 * rows, their order, totals, and the decimals of each currency in CSV.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import { seededRandom } from '../../src/platform/seeded-random.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { createKey, type TestKey } from '../support/keys.js';
import { sql } from '../support/sql.js';
import { Stores } from '../support/stores.js';
import { UNLIMITED } from '../support/submit.js';
import { postRandomBooks } from './random-books.js';
import { type Asked, type Counted, Recount } from './recount.js';
import { reportsClient } from './reports-fixture.js';

const TYPES = [
  'journal',
  'trial-balance',
  'account-statement',
  'customer-statement',
  'orders-ledger',
  'orders-summary',
  'event-sales',
];
const DECIMALS: Record<string, number> = { JPY: 0, KWD: 3 };
const SEED = process.env.TEST_SEED ?? 'books';

let daybook: Daybook;
let stores: Stores;

/** An account with a key, and its books. */
interface Books {
  key: TestKey;
  account: string;
}

const { run, rowsOf } = reportsClient(() => daybook);

async function newAccount(name: string): Promise<Books> {
  const key = await createKey(daybook, ['reports:read', 'reports:write', 'books:read', 'books:write'], {
    account: name,
  });
  const [row] = await sql<{ id: string }>(daybook, 'SELECT id FROM accounts WHERE name = $1', [name]);
  return { key, account: row!.id };
}

beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, AUTH: 'required' } });
  stores = await Stores.open(daybook.databaseUrl!);
});

/** The cell of a CSV file with a value of JSON lines. */
function cellOf(name: string, value: Counted[string], { currency }: Counted): string {
  if (value === null) return '';
  if (!name.endsWith('_cents'))
    return /^[=+@\t\r-]/.test(String(value)) && typeof value === 'string' ? `'${value}` : String(value);
  const decimals = DECIMALS[String(currency)] ?? 2;
  const digits = String(value)
    .replace('-', '')
    .padStart(decimals + 1, '0');
  const sign = BigInt(value) < 0n ? '-' : '';
  return `${sign}${digits.slice(0, digits.length - decimals)}${decimals > 0 ? `.${digits.slice(-decimals)}` : ''}`;
}

const withNumbers = (rows: Counted[]): object[] =>
  rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]),
    ),
  );

describe('a report over random books', () => {
  let books: Books;
  let recount: Recount;
  let customers: string[];
  beforeAll(async () => {
    books = await newAccount('random');
    const other = await newAccount('other');
    await postRandomBooks(stores, books.account, SEED, 150);
    await postRandomBooks(stores, other.account, `${SEED} of another account`, 50);
    recount = await Recount.of(stores, books.account);
    const rows = await sql<{ id: string }>(daybook, 'SELECT id FROM customers WHERE account_id = $1', [books.account]);
    customers = rows.map(({ id }) => id);
  });

  it.each(TYPES)('equals its recount: %s', async (type) => {
    const below = seededRandom(`${SEED} ${type}`);
    for (let round = 0; round < 4; round++) {
      const start = Date.UTC(2025, 10, 20) + below(100) * 86_400_000;
      const asked: Asked = {
        from: new Date(start),
        to: new Date(start + 1 + below(120 * 24) * 3_600_000),
        through: round === 0 ? recount.newest : below(recount.newest + 1),
        ...(round % 2 === 1 && { currency: ['USD', 'JPY', 'KWD'][below(3)]! }),
        ...(type === 'account-statement' && { ledgerAccount: 'assets:cash' }),
        ...(type === 'customer-statement' && { customerId: customers[below(customers.length)]! }),
      };
      const params = {
        from: asked.from.toISOString(),
        to: asked.to.toISOString(),
        through_entry: asked.through,
        currency: asked.currency,
        ledger_account: asked.ledgerAccount,
        customer_id: asked.customerId,
      };
      const { rows, totals } = recount.of(type, asked);
      expect(await rowsOf(books.key, type, params)).toEqual(withNumbers(rows));
      const { result, file } = await run(books.key, type, params);
      expect(result).toMatchObject({
        row_count: rows.length,
        totals: withNumbers(totals),
        through_entry: asked.through,
      });
      const cells = rows.map((row) => Object.entries(row).map(([name, value]) => cellOf(name, value, row)));
      expect(parse(file)).toEqual([result.columns, ...cells]);
      // An empty report would prove little.
      if (round === 0) expect(rows.length).toBeGreaterThan(0);
    }
  });
});
