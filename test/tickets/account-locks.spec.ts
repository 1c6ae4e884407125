/**
 * Transactions of one account that wait for its locks do not delay those of other accounts, regardless of their number.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { type TestUser, book, booked, cancel, publish, register, soldOf } from './tickets-fixture.js';

/** A quarter of the connections of the process. */
const OF_ACCOUNT = 3;
/** Requests of each kind. */
const MANY = 20;
/** Requests of an account that wait in a process, and further ones. */
const MAX_WAITING = 1_000;
const EXCESS = 5;
const ITEMS = [{ sku: 'A', quantity: 1, unit_price_cents: 5 }];
const ADJUSTMENT = {
  effective_at: '2026-01-31T12:00:00Z',
  memo: 'Fees',
  lines: [
    { ledger_account: 'expenses:fees', currency: 'USD', amount_cents: 5 },
    { ledger_account: 'assets:cash', currency: 'USD', amount_cents: -5 },
  ],
};

/** An organizer with its own account, and rows in its books. */
interface Tenant extends TestUser {
  account: string;
  eventId: string;
  customerId: string;
}

let daybook: Daybook;
let busy: Tenant;
let free: Tenant;
let guest: TestUser;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, AUTH: 'required', DATABASE_POOL: '12' } });
  [busy, free] = [await tenant(), await tenant()];
  guest = await register(daybook, 'customer');
});

async function tenant(): Promise<Tenant> {
  const user = await register(daybook, 'organizer');
  const { id: eventId } = await publish(daybook, user, { total_tickets: 1_000 });
  const { id: customerId } = (await addCustomer(user)).json;
  const [row] = await sql<{ account: string }>(daybook, 'SELECT account_id AS account FROM users WHERE id = $1', [
    user.id,
  ]);
  return { ...user, account: row!.account, eventId, customerId };
}

const addCustomer = ({ headers }: TestUser): Promise<Reply> =>
  post(daybook, '/api/customers', { name: 'Acme', email: `${uuidv7()}@acme.example` }, headers);
const addOrder = ({ headers, customerId }: Tenant): Promise<Reply> =>
  post(daybook, '/api/orders', { customer_id: customerId, items: ITEMS }, headers);
const pay = ({ headers }: TestUser, id: string): Promise<Reply> =>
  post(daybook, `/api/orders/${id}/pay`, undefined, headers);
const adjust = ({ headers }: TestUser): Promise<Reply> => post(daybook, '/api/journal/entries', ADJUSTMENT, headers);
const close = ({ headers }: TestUser, period: string): Promise<Reply> =>
  post(daybook, `/api/periods/${period}/close`, undefined, headers);

/** The transactions that wait for a lock. */
async function lockWaits(): Promise<number> {
  const text = `SELECT count(*)::integer AS count FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  return (await sql<{ count: number }>(daybook, text))[0]!.count;
}

/** Runs `work` while a transaction has locked a row. */
async function whileLocked(row: string, id: string, work: () => Promise<void>): Promise<void> {
  await sql(daybook, 'BEGIN');
  try {
    expect(await sql(daybook, `SELECT 1 FROM ${row} = $1 FOR UPDATE`, [id])).toHaveLength(1);
    await work();
  } finally {
    await sql(daybook, 'ROLLBACK');
  }
}

const times = <Made>(make: () => Promise<Made>): Promise<Made>[] => Array.from({ length: MANY }, make);

describe('an account whose transactions wait for a lock', () => {
  it('leaves connections to the orders and bookings of another', async () => {
    const drafts = await Promise.all(times(async () => (await addOrder(busy)).json.id as string));
    const { id: bookingId } = await booked(daybook, guest, busy.eventId);
    let waiting: Promise<Reply>[] = [];
    await whileLocked('journal_counters WHERE account_id', busy.account, async () => {
      waiting = [
        ...drafts.map((id) => pay(busy, id)),
        ...times(() => adjust(busy)),
        ...times(() => book(daybook, guest, busy.eventId)),
        ...times(() => cancel(daybook, guest, bookingId)),
        ...times(() => close(busy, '2025-01')),
        ...times(() => addOrder(busy)),
        ...times(() => addCustomer(busy)),
        ...times(() => send(daybook, 'PATCH', `/api/events/${busy.eventId}`, { body: { title: 'T' }, ...busy })),
        ...times(() => publish(daybook, busy).then(() => addCustomer(busy))),
        ...times(() => send(daybook, 'PATCH', `/api/customers/${busy.customerId}`, { body: { name: 'B' }, ...busy })),
      ];
      await eventually(async () => expect(await lockWaits()).toBe(OF_ACCOUNT));
      const order = await addOrder(free);
      expect(order.status).toBe(201);
      expect((await pay(free, order.json.id)).status).toBe(200);
      expect((await adjust(free)).status).toBe(201);
      for (let n = 0; n < MANY; n++) expect((await book(daybook, guest, free.eventId)).status).toBe(201);
      expect((await get(daybook, '/api/orders', busy.headers)).status).toBe(200);
      expect(await lockWaits()).toBe(OF_ACCOUNT);
    });
    const statuses = (await Promise.all(waiting)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 409)).toHaveLength(MANY - 1);
    expect(statuses.filter((status) => status >= 400)).toHaveLength(MANY - 1);
    expect(await soldOf(daybook, busy.eventId)).toBe(MANY);
  });

  it('refuses more than 1,000 waiting requests with 503, which has no effect, and still answers repeats', async () => {
    const key = { ...free.headers, 'idempotency-key': uuidv7() };
    const body = { name: 'Once', email: `${uuidv7()}@acme.example` };
    const first = await post(daybook, '/api/customers', body, key);
    let all: Promise<Reply>[] = [];
    await whileLocked('journal_counters WHERE account_id', free.account, async () => {
      const posting = Array.from({ length: OF_ACCOUNT }, () => adjust(free));
      await eventually(async () => expect(await lockWaits()).toBe(OF_ACCOUNT));
      const answered: Reply[] = [];
      const waiting = Array.from({ length: MAX_WAITING + EXCESS }, async () => {
        const reply = await addCustomer(free);
        answered.push(reply);
        return reply;
      });
      all = [...posting, ...waiting];
      await eventually(() => answered.length >= EXCESS);
      for (const reply of answered) {
        expectProblem(reply, 503);
        expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
      }
      const again = await post(daybook, '/api/customers', body, key);
      expect([again.status, again.text]).toEqual([201, first.text]);
      expect((await addCustomer(busy)).status).toBe(201);
    });
    // On a slow machine some have waited for 30 s and are refused too.
    const statuses = (await Promise.all(all)).map(({ status }) => status);
    const created = statuses.filter((status) => status === 201).length;
    expect(created).toBeGreaterThan(OF_ACCOUNT);
    expect(statuses.filter((status) => status === 503)).toHaveLength(statuses.length - created);
    // The customer of the tenant, the one under the key, and no other.
    const text = 'SELECT count(*)::integer AS count FROM customers WHERE account_id = $1';
    expect(await sql(daybook, text, [free.account])).toEqual([{ count: created - OF_ACCOUNT + 2 }]);
    expect(await sql(daybook, `SELECT FROM actions WHERE outcome = 'failed'`)).toEqual([]);
  });

  it('refuses callers who do not own the locked row at once', async () => {
    await whileLocked('events WHERE id', busy.eventId, async () => {
      const path = `/api/events/${busy.eventId}`;
      expect((await send(daybook, 'DELETE', path, free)).status).toBe(403);
      expect((await send(daybook, 'PATCH', path, { body: { title: 'T' }, ...free })).status).toBe(403);
    });
  });
});
