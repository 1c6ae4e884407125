/**
 * Seeding adds realistic books with all statuses, in whose entries and totals `daybook books verify` finds
 * nothing. It is all or nothing, and the same seed generates the same books.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { VerificationStore } from '../../src/books/verify/verification.store.js';
import { expectProblem, get, post } from '../support/client.js';
import { DATABASE_ENVIRONMENT } from '../support/database.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { temporaryFolder } from '../support/folder.js';
import { createKey, type TestKey } from '../support/keys.js';
import { Stores } from '../support/stores.js';
import { UNLIMITED } from '../support/submit.js';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/seed.main.js', import.meta.url));

let daybook: Daybook;
let stores: Stores;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, AUTH: 'required' } });
  stores = await Stores.open(daybook.databaseUrl!);
});

async function newKey(account: string): Promise<TestKey & { account: string }> {
  const key = await createKey(daybook, ['books:read', 'books:write'], { account });
  const [row] = await stores.sql<{ id: string }>('SELECT id FROM accounts WHERE name = $1', [account]);
  return { ...key, account: row!.id };
}

const seed = (key: TestKey, body: object, headers: Record<string, string> = {}) =>
  post(daybook, '/api/dev/seed', body, { ...key.headers, ...headers });

/** Returns the books of an account without ids and times of seeding, sorted by email. */
async function contents(account: string): Promise<object[]> {
  return stores.sql(
    `SELECT c.name, c.email, c.is_active, t.order_count, t.total_cents, o.status, o.currency, o.total_cents, o.customer_name,
      o.customer_email, o.placed_at, o.paid_at, o.shipped_at, o.cancelled_at, o.version, (
        SELECT json_agg(json_build_array(i.position, i.sku, i.quantity, i.unit_price_cents) ORDER BY i.position)
        FROM order_items i WHERE i.order_id = o.id
      ) AS items, (
        SELECT json_agg(json_build_array(e.number, e.kind, e.effective_at, e.reverses, l.ledger_account, l.amount_cents)
          ORDER BY e.number, l.line)
        FROM journal_entries e JOIN journal_lines l USING (account_id, number) WHERE e.source_id = o.id
      ) AS lines
    FROM customers c LEFT JOIN orders o ON o.customer_id = c.id
      LEFT JOIN customer_totals t ON t.customer_id = c.id AND t.currency = o.currency
    WHERE c.account_id = $1 ORDER BY c.email, o.placed_at, o.total_cents`,
    [account],
  );
}

const verify = (account: string) => new VerificationStore(stores.database, []).verify(account);

async function statuses(account: string): Promise<Record<string, number>> {
  const text = 'SELECT status, count(*)::integer AS count FROM orders WHERE account_id = $1 GROUP BY status';
  const rows = await stores.sql<{ status: string; count: number }>(text, [account]);
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}

describe('POST /api/dev/seed', () => {
  it('adds 100 customers with 5 orders of 3 items by default, without differences', async () => {
    const key = await newKey('default-seed');
    // Without a body.
    const reply = await post(daybook, '/api/dev/seed', undefined, key.headers);
    expect([reply.status, reply.json]).toEqual([201, { customers: 100, orders: 500, items: 1_500 }]);
    expect(await statuses(key.account)).toEqual({ draft: 63, paid: 125, shipped: 187, cancelled: 125 });
    const { orders, entries, found } = await verify(key.account);
    expect({ orders, found }).toEqual({ orders: 500, found: [] });
    expect(entries).toBe(125 + 187 + 2 * 63);
    const { json } = await get(daybook, '/api/orders/summary?limit=1', key.headers);
    expect(json.rows[0].total_cents).toBeGreaterThan(0);
  });

  it('generates the same books for the same seed, and different ones for another', async () => {
    const keys = await Promise.all(['same-1', 'same-2', 'another'].map(newKey));
    const body = { customers: 7, orders_per_customer: 6, items_per_order: 2 };
    for (const [index, key] of keys.entries()) {
      const reply = await seed(key, { ...body, seed: index === 2 ? 8 : 7 });
      expect([reply.status, reply.json]).toEqual([201, { customers: 7, orders: 42, items: 84 }]);
    }
    const [one, two, other] = await Promise.all(keys.map(({ account }) => contents(account)));
    expect(one).toHaveLength(42);
    expect(two).toEqual(one);
    expect(other).not.toEqual(one);
  });

  it('adds more books each time, also concurrently and while orders are paid', async () => {
    const key = await newKey('again');
    const body = { customers: 3, orders_per_customer: 40 };
    const customer = await post(
      daybook,
      '/api/customers',
      { name: 'Acme', email: 'billing@acme.example' },
      key.headers,
    );
    const payOrders = async (): Promise<void> => {
      for (let n = 0; n < 10; n++) {
        const order = { customer_id: customer.json.id, items: [{ sku: 'A', quantity: 1, unit_price_cents: 5 }] };
        const { json } = await post(daybook, '/api/orders', order, key.headers);
        expect((await post(daybook, `/api/orders/${json.id}/pay`, undefined, key.headers)).status).toBe(200);
      }
    };
    const seeds = Array.from({ length: 4 }, async () => expect((await seed(key, body)).status).toBe(201));
    await Promise.all([...seeds, payOrders()]);
    expect((await seed(key, body)).status).toBe(201);
    expect(await verify(key.account)).toMatchObject({ orders: 5 * 120 + 10, found: [] });
    const [row] = await stores.sql(
      'SELECT count(DISTINCT lower(email))::integer AS emails FROM customers WHERE account_id = $1',
      [key.account],
    );
    expect(row).toEqual({ emails: 16 });
  });

  it('adds customers without orders', async () => {
    const key = await newKey('none');
    const reply = await seed(key, { customers: 2, orders_per_customer: 0 });
    expect([reply.status, reply.json]).toEqual([201, { customers: 2, orders: 0, items: 0 }]);
    expect(await verify(key.account)).toEqual({ orders: 0, entries: 0, found: [] });
  });

  it('adds nothing when one part cannot be added', async () => {
    const key = await newKey('closed');
    expect((await post(daybook, '/api/periods/2025-06/close', undefined, key.headers)).status).toBe(200);
    const reply = await seed(key, { customers: 2_000 });
    expectProblem(reply, 409);
    expect(reply.json).toMatchObject({
      type: 'urn:daybook:problem:period-closed',
      detail: expect.stringContaining('2025-06'),
    });
    expect(await contents(key.account)).toEqual([]);
    expect(await verify(key.account)).toEqual({ orders: 0, entries: 0, found: [] });
  });

  it('replays its answer for a repeated idempotency key', async () => {
    const key = await newKey('repeat');
    for (const replayed of [null, 'true']) {
      const reply = await seed(key, { customers: 1 }, { 'idempotency-key': 'seed-1' });
      expect([reply.status, reply.json]).toEqual([201, { customers: 1, orders: 5, items: 15 }]);
      expect(reply.headers.get('idempotency-replayed')).toBe(replayed);
    }
    expect(await verify(key.account)).toMatchObject({ orders: 5, found: [] });
  });

  it.each([
    [{ customers: 0 }, 'customers'],
    [{ customers: 1.5 }, 'customers'],
    [{ customers: 100_001 }, 'customers'],
    [{ orders_per_customer: -1 }, 'orders_per_customer'],
    [{ items_per_order: 0 }, 'items_per_order'],
    [{ items_per_order: 101 }, 'items_per_order'],
    [{ seed: -1 }, 'seed'],
    [{ seed: 'x' }, 'seed'],
    [{ customers: 100_000, orders_per_customer: 3 }, 'orders_per_customer'],
    [{ customers: 1_000, orders_per_customer: 200, items_per_order: 6 }, 'items_per_order'],
    [{ orders: 5 }, ''],
  ])('refuses %j', async (body, path) => {
    const reply = await seed(await newKey('refused'), body);
    expectProblem(reply, 422);
    expect(reply.json.errors[0].path).toBe(path);
  });

  it('needs the scope books:write', async () => {
    expectProblem(await seed(await createKey(daybook, ['books:read']), {}), 403);
  });

  it('is off in production', async () => {
    const production = await startDaybook({
      env: { ...UNLIMITED, NODE_ENV: 'production', DATABASE_URL: daybook.databaseUrl },
    });
    const reply = await post(production, '/api/dev/seed', {});
    expectProblem(reply, 403);
    expect(reply.json).toMatchObject({ type: 'urn:daybook:problem:seeding-off' });
    expect(await contents(OPEN_INSTALLATION)).toEqual([]);
  });
});

describe('npm run seed', () => {
  async function run(args: string[], more: Record<string, string> = {}) {
    const env = { PATH: process.env.PATH, ...DATABASE_ENVIRONMENT, DATABASE_URL: daybook.databaseUrl!, ...more };
    const cwd = await temporaryFolder();
    return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      execFile(process.execPath, [MAIN, ...args], { cwd, env }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
      );
    });
  }

  it('adds books in many transactions and shows its progress', async () => {
    const args = ['--orders', '5003', '--customers', '70', '--items', '2'];
    const { code, stdout, stderr } = await run(args);
    expect([code, stdout]).toEqual([0, '70 customers, 5,003 orders, 10,006 items\n']);
    expect(stderr).toMatch(/^\[#+\.+\] +\d+% [\d,]+ of 5,003 orders, [\d,]+\/s\n/);
    expect(stderr).toMatch(/\n\[#+\] 100% 5,003 of 5,003 orders, [\d,]+\/s\n$/);
    expect(await verify(OPEN_INSTALLATION)).toMatchObject({ orders: 5_003, found: [] });
    const logged = await stores.sql(
      `SELECT target, detail FROM actions WHERE action = 'books.seed' AND actor_kind = 'command-line'`,
    );
    expect(logged).toEqual([{ target: 'open', detail: { customers: 70, orders: 5_003, itemsPerOrder: 2, seed: 1 } }]);
  });

  it('generates the same books as the API', async () => {
    const [key, other] = await Promise.all(['cli-1', 'cli-2'].map(newKey));
    expect((await run(['--orders', '35', '--customers', '7', '--seed', '9', '--account', 'cli-1'])).code).toBe(0);
    await seed(other!, { customers: 7, orders_per_customer: 5, seed: 9 });
    expect(await contents(key!.account)).toEqual(await contents(other!.account));
  });

  it('reports errors in one line', async () => {
    expect(await run(['--account', 'unknown'])).toMatchObject({
      code: 1,
      stderr: 'seed: There is no account unknown\n',
    });
    expect(await run([], { NODE_ENV: 'production' })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^seed: .*production/),
    });
    for (const args of [
      ['--orders', '0'],
      ['--orders', 'x'],
      ['--items', '101'],
      ['--seed', '4294967296'],
      ['--orders', '9000', '--customers', '1'],
    ])
      expect(await run(args)).toMatchObject({ code: 2, stderr: expect.stringMatching(/^seed: --?\w+/) });
  });
});
