/**
 * `daybook books verify` finds nothing in the books that the service writes, and finds and names each kind of fault that a
 * superuser can plant behind the triggers. `--repair-totals` mends totals and nothing else.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { BLOCK } from '../../src/books/journal/balances/blocks.js';
import { Customer } from '../../src/books/customers/customer.entity.js';
import { CustomerRepository } from '../../src/books/customers/customer.repository.js';
import { CustomerTotalsStore } from '../../src/books/customers/customer-totals.store.js';
import { JournalStore } from '../../src/books/journal/journal.store.js';
import { Order } from '../../src/books/orders/order.entity.js';
import type { OrderMove } from '../../src/books/orders/order-moves.js';
import { OrderRepository } from '../../src/books/orders/order.repository.js';
import { OrderStore } from '../../src/books/orders/order.store.js';
import { OrdersService } from '../../src/books/orders/orders.service.js';
import { TotalsRepairStore } from '../../src/books/verify/totals-repair.store.js';
import { VerificationStore } from '../../src/books/verify/verification.store.js';
import { newId } from '../../src/platform/ids.js';
import { IdempotencyRecord } from '../../src/requests/idempotency/idempotency-key.entity.js';
import { IdempotencyRepository } from '../../src/requests/idempotency/idempotency.repository.js';
import { IdempotencyService } from '../../src/requests/idempotency/idempotency.service.js';
import { BOOKINGS } from '../../src/tickets/bookings/booking-checks.store.js';
import { DATABASE_ENVIRONMENT } from '../support/database.js';
import { temporaryFolder } from '../support/folder.js';
import { openStores, type Stores } from '../support/stores.js';
import { newBooks, postEntries, transfer } from './books-fixture.js';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/daybook.main.js', import.meta.url));
const MOVES: OrderMove[][] = [[], ['pay'], ['pay', 'ship'], ['cancel'], ['pay', 'cancel']];

let stores: Stores;
let orders: OrdersService;
beforeAll(async () => {
  stores = await openStores();
  const { dataSource, database, requests } = stores;
  orders = new OrdersService(
    database,
    new OrderRepository(dataSource.getRepository(Order)),
    new OrderStore(),
    new CustomerRepository(dataSource.getRepository(Customer)),
    new CustomerTotalsStore(database),
    new JournalStore(),
    new IdempotencyService(new IdempotencyRepository(dataSource.getRepository(IdempotencyRecord)), requests),
    { BASE_CURRENCY: 'USD' },
  );
});

/** Books with orders of all statuses and an adjustment. The entries: 1 to 3 pay, 4 reverses 3, 5 adjusts. */
interface Books {
  account: string;
  customer: string;
  draft: string;
  paid: string;
  shipped: string;
  reversed: string;
}

async function books(): Promise<Books> {
  const account = newBooks();
  const customer = newId();
  const text = `INSERT INTO customers (id, account_id, name, email) VALUES ($1::uuid, $2, 'Acme', $1::uuid || '@acme.example')`;
  await stores.sql(text, [customer, account]);
  const ids: string[] = [];
  for (const moves of MOVES) {
    const items = [
      { sku: 'A-1', quantity: 2, unit_price_cents: 1_250 },
      { sku: 'B-2', quantity: 1, unit_price_cents: 500 },
    ];
    const { id } = await orders.create(account, { customer_id: customer, items }, null);
    for (const move of moves) await orders.move(account, id, move, null);
    ids.push(id);
  }
  await postEntries(stores, account, [transfer(70, { effectiveAt: new Date('2026-03-31T12:00:00Z') })]);
  const [draft, paid, shipped, , reversed] = ids as [string, string, string, string, string];
  return { account, customer, draft, paid, shipped, reversed };
}

const verify = (account: string | null) => new VerificationStore(stores.database, [BOOKINGS]).verify(account);

/** @returns Each finding in the books as `check: detail`. */
async function findings(account: string): Promise<string[]> {
  const { found } = await verify(account);
  for (const each of found)
    expect(each.findings.map((finding) => finding.account)).toEqual(each.findings.map(() => account));
  return found.flatMap(({ check, findings: all }) => all.map(({ detail }) => `${check}: ${detail}`));
}

const TABLES = ['journal_entries', 'journal_lines', 'orders', 'order_items'];

/** Changes the books as only a superuser can: without triggers, and so without foreign keys. */
async function plant(text: string, values: unknown[]): Promise<void> {
  await stores.database.inTransaction(async (query) => {
    for (const table of TABLES) await query({ name: '', text: `ALTER TABLE ${table} DISABLE TRIGGER ALL` });
    await query({ name: '', text }, values);
    for (const table of TABLES) await query({ name: '', text: `ALTER TABLE ${table} ENABLE TRIGGER ALL` });
  });
}

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env.PATH, ...DATABASE_ENVIRONMENT, DATABASE_URL: stores.url };
  const cwd = await temporaryFolder();
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'books', ...args], { cwd, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

/** Adds books with one folded block. */
async function foldedBooks(): Promise<string> {
  const account = newBooks();
  const entries = Array.from({ length: BLOCK + 3 }, () =>
    transfer(2, { effectiveAt: new Date('2026-03-31T12:00:00Z') }),
  );
  await postEntries(stores, account, entries);
  await stores.sql('INSERT INTO journal_folds (account_id, blocks) VALUES ($1, 1)', [account]);
  await new TotalsRepairStore(stores.database).repair(account);
  return account;
}

describe('the books that the service writes', () => {
  it('have no findings', async () => {
    const { account } = await books();
    expect(await verify(account)).toEqual({ orders: 5, entries: 5, found: [] });
    expect(await findings(await foldedBooks())).toEqual([]);
  });
});

describe('finds', () => {
  const DROP_LINES = 'WITH gone AS (DELETE FROM journal_lines WHERE account_id = $1 AND number = 5)';

  it.each<[string, string, (books: Books) => unknown[], RegExp[]]>([
    [
      'a total that is not that of the items',
      'UPDATE orders SET total_cents = 3001 WHERE account_id = $1 AND id = $2',
      ({ account, draft }) => [account, draft],
      [/^order-total: order \S+ has total_cents 3001, and its 2 items sum to 3000$/],
    ],
    [
      'an order without items',
      'DELETE FROM order_items USING orders o WHERE o.id = order_id AND o.account_id = $1 AND o.id = $2',
      ({ account, draft }) => [account, draft],
      [/^order-total: order \S+ has total_cents 3000, and its 0 items sum to 0$/],
    ],
    [
      'a paid order that has not posted',
      `WITH line AS (UPDATE journal_lines SET customer_id = NULL WHERE account_id = $1 AND number = 1)
        UPDATE journal_entries SET source_id = NULL, source_type = NULL, kind = 'adjustment' WHERE account_id = $1 AND source_id = $2`,
      ({ account, paid }) => [account, paid],
      [/^order-not-posted: order \S+ has no entry order\.paid$/],
    ],
    [
      'a cancelled order that was paid and has no reversal',
      `UPDATE journal_entries SET source_id = NULL, source_type = NULL, kind = 'reversal' WHERE account_id = $1 AND source_id = $2
        AND reverses IS NOT NULL`,
      ({ account, reversed }) => [account, reversed],
      [/^order-not-posted: order \S+ has no entry order\.cancelled$/],
    ],
    [
      'an entry of a draft',
      `UPDATE journal_entries SET kind = 'order.paid', source_type = 'order', source_id = $2 WHERE account_id = $1 AND number = 5`,
      ({ account, draft }) => [account, draft],
      [
        /^unknown-source: entry 5 \(order\.paid\) names order \S+, which is draft and does not post it$/,
        /^order-entry: /,
      ],
    ],
    [
      'an entry of an order that does not exist',
      `UPDATE journal_entries SET kind = 'order.paid', source_type = 'order', source_id = $2 WHERE account_id = $1 AND number = 5`,
      ({ account }) => [account, newId()],
      [/^unknown-source: entry 5 \(order\.paid\) names order \S+, which does not exist$/],
    ],
    [
      'an entry of an unknown kind of source',
      `UPDATE journal_entries SET source_type = 'gift', source_id = $2 WHERE account_id = $1 AND number = 5`,
      ({ account }) => [account, newId()],
      [/^unknown-source: entry 5 \(adjustment\) names a source of an unknown type, gift$/],
    ],
    [
      "an entry without a source that looks like an order's",
      `UPDATE journal_entries SET kind = 'order.paid' WHERE account_id = $1 AND number = 5`,
      ({ account }) => [account],
      [/^unknown-source: entry 5 is order\.paid and names no order$/],
    ],
    [
      'another amount than that of the order',
      'UPDATE journal_lines SET amount_cents = sign(amount_cents) * 2999 WHERE account_id = $1 AND number = 1',
      ({ account }) => [account],
      [
        /^order-entry: entry 1 \(order\.paid\) .* move USD 3000 of .* has assets:cash USD 2999 of .*, income:orders USD -2999 of/,
      ],
    ],
    [
      'another currency than that of the order',
      `UPDATE journal_lines SET currency = 'EUR' WHERE account_id = $1 AND number = 1`,
      ({ account }) => [account],
      [/^order-entry: entry 1 .* has assets:cash EUR 3000/],
    ],
    [
      'a line of an order without its customer',
      'UPDATE journal_lines SET customer_id = NULL WHERE account_id = $1 AND number = 1 AND line = 2',
      ({ account }) => [account],
      [/^order-entry: entry 1 .* income:orders USD -3000 of no customer$/],
    ],
    [
      'another time than that of the payment',
      `UPDATE journal_entries SET effective_at = effective_at + interval '1 s' WHERE account_id = $1 AND number = 1`,
      ({ account }) => [account],
      [/^order-entry: entry 1 \(order\.paid\) of order \S+ should be effective at /],
    ],
    [
      'a cancellation that reverses another entry',
      'UPDATE journal_entries SET reverses = 2 WHERE account_id = $1 AND number = 4',
      ({ account }) => [account],
      [/^order-entry: entry 4 \(order\.cancelled\) .* reverse 3, .* reverses 2, /],
    ],
    [
      'an entry that does not balance',
      'UPDATE journal_lines SET amount_cents = 71 WHERE account_id = $1 AND number = 5 AND line = 1',
      ({ account }) => [account],
      [/^entry-balance: the USD lines of entry 5 sum to 1$/, /^currency-balance: all USD lines sum to 1$/],
    ],
    [
      'an entry without lines',
      'DELETE FROM journal_lines WHERE account_id = $1 AND number = 5',
      ({ account }) => [account],
      [/^entry-lines: entry 5 has no lines$/],
    ],
    [
      'lines without an entry',
      `INSERT INTO journal_lines (account_id, number, line, ledger_account, currency, amount_cents)
        VALUES ($1, 6, 1, 'assets:cash', 'USD', 1), ($1, 6, 2, 'assets:bank', 'USD', -1)`,
      ({ account }) => [account],
      [/^entry-lines: line 1 of entry 6 has no entry$/, /^entry-lines: line 2 of entry 6 has no entry$/],
    ],
    [
      'a gap in the numbers',
      `WITH line AS (UPDATE journal_lines SET number = 8 WHERE account_id = $1 AND number = 5),
        counter AS (UPDATE journal_counters SET last_number = 8 WHERE account_id = $1)
        UPDATE journal_entries SET number = 8 WHERE account_id = $1 AND number = 5`,
      ({ account }) => [account],
      [/^entry-numbers: the entries 5 to 7 are missing$/],
    ],
    [
      'a missing newest entry',
      `${DROP_LINES} DELETE FROM journal_entries WHERE account_id = $1 AND number = 5`,
      ({ account }) => [account],
      [/^counter: the counter is at 5 of .*, and the newest entry is 4 of /],
    ],
    [
      'a missing counter',
      'DELETE FROM journal_counters WHERE account_id = $1',
      ({ account }) => [account],
      [/^counter: the counter is at none of no time, and the newest entry is 5 of /],
    ],
    [
      'a time of recording before that of the entry before',
      `UPDATE journal_entries SET recorded_at = recorded_at - interval '1 day' WHERE account_id = $1 AND number = 5`,
      ({ account }) => [account],
      [/^recorded-at: entry 5 was recorded at .*, before the entry before it \(/],
    ],
    [
      'an entry that was recorded into a closed month',
      `INSERT INTO closed_periods (account_id, month, closed_at) VALUES ($1, '2026-03-01', '2026-04-02T00:00:00Z')`,
      ({ account }) => [account],
      [
        /^closed-period: entry 5, effective at 2026-03-31 12:00:00\+00, was recorded at .*, after 2026-03 was closed at 2026-04-02/,
      ],
    ],
    [
      'a reversal that does not undo its entry',
      `UPDATE journal_lines SET ledger_account = 'income:gifts' WHERE account_id = $1 AND number = 3 AND line = 2`,
      ({ account }) => [account],
      [/^order-entry: entry 3 /, /^reversal: entry 4 does not undo entry 3, which it reverses$/],
    ],
    [
      "totals that are not those of the customer's orders",
      'UPDATE customer_totals SET order_count = 3, total_cents = 6001 WHERE account_id = $1',
      ({ account }) => [account],
      [/^customer-totals: customer \S+ has 2 orders of USD 6000; the totals say 3 of 6001$/],
    ],
    [
      'missing totals of a customer',
      'DELETE FROM customer_totals WHERE account_id = $1',
      ({ account }) => [account],
      [/^customer-totals: customer \S+ has 2 orders of USD 6000; the totals say 0 of 0$/],
    ],
    [
      'totals of a customer without orders in the currency',
      `INSERT INTO customer_totals (account_id, customer_id, currency, order_count, total_cents, is_active)
        VALUES ($1, $2, 'EUR', 1, 5, true)`,
      ({ account, customer }) => [account, customer],
      [/^customer-totals: customer \S+ has 0 orders of EUR 0; the totals say 1 of 5$/],
    ],
    [
      'totals that take an active customer for an inactive one',
      'UPDATE customer_totals SET is_active = false WHERE account_id = $1',
      ({ account }) => [account],
      [/^customer-active: customer \S+ is active; the totals in USD say it is inactive$/],
    ],
    [
      'blocks that are folded before they are complete',
      'INSERT INTO journal_folds (account_id, blocks) VALUES ($1, 1)',
      ({ account }) => [account],
      [/^folded-totals: 1 blocks are folded, and the newest entry is 5$/],
    ],
  ])('%s', async (_, text, values, expected) => {
    const planted = await books();
    await plant(text, values(planted));
    const all = await findings(planted.account);
    for (const message of expected) expect(all).toContainEqual(expect.stringMatching(message));
    // Nothing else is reported, apart from the totals of blocks that are not there.
    const others = all.filter((line) => !expected.some((message) => message.test(line)));
    expect(others.filter((line) => !line.startsWith('folded-totals: journal_'))).toEqual([]);
  });

  it.each<[string, RegExp]>([
    [
      'journal_block_totals',
      /^folded-totals: journal_block_totals says 2049 for USD assets:cash of block 0; the lines sum to 2048$/,
    ],
    [
      'journal_day_totals',
      /^folded-totals: journal_day_totals says 2049 for USD assets:cash of day 2026-03-31; .* 2048$/,
    ],
    [
      'journal_hour_totals',
      /^folded-totals: journal_hour_totals says 2049 for USD assets:cash of hour 2026-03-31 12:00:00\+00; .* 2048$/,
    ],
    ['journal_totals', /^folded-totals: journal_totals says 2049 for USD assets:cash over all folded blocks; .* 2048$/],
  ])('a folded total in %s that is not the sum of the lines', async (table, message) => {
    const account = await foldedBooks();
    const text = `UPDATE ${table} SET amount_cents = amount_cents + 1 WHERE account_id = $1 AND ledger_account = 'assets:cash'`;
    await plant(text, [account]);
    expect(await findings(account)).toEqual([expect.stringMatching(message)]);
  });

  it('two entries of a kind of one order', async () => {
    const { account, paid, shipped } = await books();
    await stores.sql('DROP INDEX journal_entries_source');
    await plant('UPDATE journal_entries SET source_id = $2 WHERE account_id = $1 AND source_id = $3', [
      account,
      paid,
      shipped,
    ]);
    const all = await findings(account);
    expect(all).toContainEqual(`posted-twice: order ${paid} has 2 entries order.paid: 1, 2`);
    expect(all).toContainEqual(`order-not-posted: order ${shipped} has no entry order.paid`);
    await plant('UPDATE journal_entries SET source_id = $2 WHERE account_id = $1 AND number = 2', [account, shipped]);
    await stores.sql(
      'CREATE UNIQUE INDEX journal_entries_source ON journal_entries (source_id, kind) WHERE source_id IS NOT NULL',
    );
    expect(await findings(account)).toEqual([]);
  });

  it('every difference, and lists 20 of a kind', async () => {
    const account = newBooks();
    await postEntries(
      stores,
      account,
      Array.from({ length: 25 }, () => transfer(1)),
    );
    await plant('UPDATE journal_lines SET amount_cents = 2 WHERE account_id = $1 AND line = 1', [account]);
    const { found } = await verify(account);
    expect(found.map(({ check, count, findings: all }) => [check, count, all.length])).toEqual([
      ['entry-balance', 25, 20],
      ['currency-balance', 1, 1],
    ]);
  });
});

describe('a repair', () => {
  it('mends the totals of customers and of folded blocks, and nothing else', async () => {
    const { account } = await books();
    const folded = await foldedBooks();
    await plant('UPDATE customer_totals SET order_count = 9, is_active = false WHERE account_id = $1', [account]);
    await plant('UPDATE orders SET total_cents = 1 WHERE account_id = $1', [account]);
    await plant('DELETE FROM journal_day_totals WHERE account_id = $1', [folded]);
    await plant('DELETE FROM journal_hour_totals WHERE account_id = $1', [folded]);
    const before = await stores.sql('SELECT * FROM orders WHERE account_id = $1 ORDER BY id', [account]);
    await new TotalsRepairStore(stores.database).repair(folded);
    expect(await findings(folded)).toEqual([]);
    expect(await findings(account)).toContainEqual(expect.stringMatching(/^customer-totals: /));
    await new TotalsRepairStore(stores.database).repair(null);
    expect((await findings(account)).filter((line) => line.startsWith('customer'))).toEqual([]);
    expect(await stores.sql('SELECT * FROM orders WHERE account_id = $1 ORDER BY id', [account])).toEqual(before);
    await plant('UPDATE orders SET total_cents = 3000 WHERE account_id = $1', [account]);
    await new TotalsRepairStore(stores.database).repair(account);
    expect(await findings(account)).toEqual([]);
  });

  it('loses no payment that comes between', async () => {
    const { account, customer } = await books();
    const pay = async (): Promise<void> => {
      for (let n = 0; n < 10; n++) {
        const body = { customer_id: customer, items: [{ sku: 'A', quantity: 1, unit_price_cents: 7 }] };
        const { id } = await orders.create(account, body, null);
        await orders.move(account, id, 'pay', null);
      }
    };
    const repairs = async (): Promise<void> => {
      for (let n = 0; n < 10; n++) await new TotalsRepairStore(stores.database).repair(account);
    };
    await Promise.all([pay(), pay(), pay(), repairs()]);
    expect(await findings(account)).toEqual([]);
  });
});

describe('daybook books verify', () => {
  const NAME = 'acme-books';
  let planted: Books;
  beforeAll(async () => {
    planted = await books();
    await stores.sql('INSERT INTO accounts (id, name) VALUES ($1, $2)', [planted.account, NAME]);
  });

  it('exits with 0 when nothing differs, and with 1 and a line for each difference', async () => {
    expect(await run('verify', '--account', NAME)).toEqual({
      code: 0,
      stdout: '5 orders, 5 entries: nothing differs\n',
      stderr: '',
    });
    await plant('UPDATE customer_totals SET order_count = 7 WHERE account_id = $1', [planted.account]);
    const { customer } = planted;
    const line = `customer-totals: ${NAME}: customer ${customer} has 2 orders of USD 6000; the totals say 7 of 6000`;
    const expected = { code: 1, stdout: `${line}\n5 orders, 5 entries: 1 difference\n`, stderr: '' };
    expect(await run('verify', '--account', NAME)).toEqual(expected);
    const all = await run('verify');
    expect(all.code).toBe(1);
    expect(all.stdout.split('\n')).toContain(line);
  });

  it('repairs totals, and records that in the action log', async () => {
    const { code, stdout } = await run('verify', '--account', NAME, '--repair-totals');
    expect([code, stdout]).toEqual([0, '5 orders, 5 entries: nothing differs\n']);
    const logged = await stores.sql(`SELECT actor_kind, target FROM actions WHERE action = 'books.repair-totals'`);
    expect(logged).toEqual([{ actor_kind: 'command-line', target: NAME }]);
  });

  it('reports an account or an argument that it does not know', async () => {
    expect(await run('verify', '--account', 'nobody')).toMatchObject({
      code: 1,
      stderr: 'books: There is no account nobody\n',
    });
    expect(await run('verify', '--all')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^books: Unknown option '--all'/),
    });
    expect(await run('mend')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^books: There is no command mend/),
    });
    expect(await run()).toMatchObject({ code: 2, stderr: expect.stringMatching(/^books: A command is missing/) });
    expect((await run('--help')).stdout).toContain('daybook books verify');
  });
});
