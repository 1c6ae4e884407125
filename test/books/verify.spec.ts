/**
 * `daybook books verify` finds nothing in the books that the service writes, and finds and names each kind of fault
 * that a superuser can plant behind the triggers. `--repair-totals` repairs only totals.
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
import { type Books, FAULTS } from './verify-faults.js';

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
    for (const move of moves) await orders.move(account, id, move, { preconditions: null, key: null });
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
  it.each(FAULTS)('%s', async (_, text, values, expected) => {
    const planted = await books();
    await plant(text, values(planted));
    const all = await findings(planted.account);
    for (const message of expected) expect(all).toContainEqual(expect.stringMatching(message));
    // No other finding, except for the totals of missing blocks.
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
  it('repairs only the totals of customers and of folded blocks', async () => {
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

  it('loses no payment that is posted during it', async () => {
    const { account, customer } = await books();
    const pay = async (): Promise<void> => {
      for (let n = 0; n < 10; n++) {
        const body = { customer_id: customer, items: [{ sku: 'A', quantity: 1, unit_price_cents: 7 }] };
        const { id } = await orders.create(account, body, null);
        await orders.move(account, id, 'pay', { preconditions: null, key: null });
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

  it('reports an unknown account or argument', async () => {
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
