/** The lists and the summary of orders show each order once, and the summary equals a recount at any time. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';
import { expectProblem, get, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { UNKNOWN_ID, ordersClient } from './orders-fixture.js';

let daybook: Daybook;
beforeAll(async () => {
  daybook = await startDaybook({ env: UNLIMITED });
});

const { addCustomer, addOrder, move } = ordersClient(() => daybook);

describe('lists', () => {
  const list = async (query: string): Promise<Reply['json']> => (await get(daybook, `/api/orders?${query}`)).json;
  const idsOf = ({ orders }: Reply['json']): string[] => orders.map(({ id }: { id: string }) => id);

  it('page by keyset, newest first, each order with its customer and items', async () => {
    const customer = await addCustomer();
    const orders: Reply['json'][] = [];
    for (let count = 0; count < 5; count++) orders.unshift(await addOrder(customer.id));
    const first = await list(`customer_id=${customer.id}&limit=2`);
    expect(first.orders).toEqual(orders.slice(0, 2));
    const second = await list(`customer_id=${customer.id}&limit=3&cursor=${first.next_cursor}`);
    expect(second).toEqual({ orders: orders.slice(2), next_cursor: null });
    const ofCustomer = await get(daybook, `/api/customers/${customer.id}/orders?limit=5`);
    expect(ofCustomer.json).toEqual({ orders, next_cursor: null });
    expectProblem(await get(daybook, `/api/customers/${UNKNOWN_ID}/orders`), 404);
  });

  it('filter by status, email, time and archive', async () => {
    const tag = uuidv7().slice(-12);
    const customer = await addCustomer({ email: `Some_${tag}.x@Acme.example` });
    const lookalike = await addCustomer({ email: `SomeX${tag}.x@acme.example` });
    const old = await addOrder(customer.id, { placed_at: '2026-01-01T00:00:00Z' });
    const paid = await addOrder(customer.id, { placed_at: '2026-02-01T00:00:00Z' });
    const archived = await addOrder(customer.id);
    await addOrder(lookalike.id);
    await move(paid.id, 'pay');
    await move(archived.id, 'archive');
    const email = `email=${encodeURIComponent(`SOME_${tag}.X`)}`;
    expect(idsOf(await list(email))).toEqual([paid.id, old.id]);
    expect(idsOf(await list(`${email}&include_archived=true`))).toEqual([archived.id, paid.id, old.id]);
    expect(idsOf(await list(`${email}&status=paid`))).toEqual([paid.id]);
    const january = 'placed_from=2026-01-02T00:00:00Z&placed_to=2026-02-01T00:00:00Z';
    expect(idsOf(await list(`${email}&${january}`))).toEqual([]);
    expect(idsOf(await list(`${email}&placed_to=2026-02-01T00:00:00Z`))).toEqual([old.id]);
    expect(await list(`email=no-such-${tag}`)).toEqual({ orders: [], next_cursor: null });
  });

  it('search the emails of many customers', async () => {
    await sql(
      daybook,
      `INSERT INTO customers (id, account_id, name, email)
        SELECT gen_random_uuid(), '${OPEN_INSTALLATION}', 'Many', 'many-' || n || '@crowd.example'
        FROM generate_series(1, 1000) n`,
    );
    const customer = await addCustomer({ email: `last-${uuidv7()}@crowd.example` });
    const [older, newer] = [await addOrder(customer.id), await addOrder(customer.id)];
    const page = await list('email=crowd&limit=1');
    expect(idsOf(page)).toEqual([newer.id]);
    expect(idsOf(await list(`email=crowd&limit=1&cursor=${page.next_cursor}`))).toEqual([older.id]);
  });

  it.each([
    ['status=open', 'status', /draft.*paid.*shipped.*cancelled/],
    ['placed_from=2026-13-01T00:00:00Z', 'placed_from', /date/],
    ['limit=0', 'limit', /./],
    ['cursor=x', 'cursor', /./],
    ['include_archived=maybe', 'include_archived', /true.*false/],
  ])('refuse %s and name the allowed values', async (query, path, message) => {
    const reply = await get(daybook, `/api/orders?${query}`);
    expectProblem(reply, 422);
    expect(reply.json.errors).toEqual([{ path, message: expect.stringMatching(message) }]);
  });
});

describe('the summary', () => {
  const summary = async (currency: string): Promise<object[]> =>
    (await get(daybook, `/api/orders/summary?currency=${currency}`)).json.rows;
  const setActive = (id: string, is_active: boolean): Promise<Reply> =>
    send(daybook, 'PATCH', `/api/customers/${id}`, { body: { is_active } });

  it('counts paid and shipped orders that are not archived, of active customers, by currency', async () => {
    const [big, small] = [await addCustomer(), await addCustomer()];
    const currency = 'CHF';
    const [paid, shipped] = [await addOrder(big.id, { currency }), await addOrder(big.id, { currency })];
    const other = await addOrder(small.id, { currency });
    await addOrder(big.id, { currency });
    for (const { id } of [paid, shipped, other]) await move(id, 'pay');
    await move(shipped.id, 'ship');
    const rowOf = ({ id, email }: { id: string; email: string }, order_count: number) => ({
      customer_id: id,
      email,
      order_count,
      total_cents: order_count * 30_00,
    });
    expect(await summary(currency)).toEqual([rowOf(big, 2), rowOf(small, 1)]);
    expect((await get(daybook, '/api/orders/summary?limit=1&currency=CHF')).json).toEqual({
      limit: 1,
      currency,
      rows: [rowOf(big, 2)],
    });
    await move(shipped.id, 'archive');
    await move(shipped.id, 'archive');
    expect(await summary(currency)).toContainEqual(rowOf(big, 1));
    await move(shipped.id, 'unarchive');
    await move(paid.id, 'cancel');
    expect(await summary(currency)).toContainEqual(rowOf(big, 1));
    await setActive(big.id, false);
    expect(await summary(currency)).toEqual([rowOf(small, 1)]);
    await setActive(big.id, true);
    expect(await summary(currency)).toHaveLength(2);
    await move(other.id, 'cancel');
    expect(await summary(currency)).toEqual([rowOf(big, 1)]);
    expect(await summary('JPY')).toEqual([]);
  });

  it('is exact beyond 2^53, and a total beyond a bigint refuses no payment', async () => {
    const { id: customerId } = await addCustomer();
    const currency = 'SEK';
    const huge = await addOrder(customerId, { currency });
    await move(huge.id, 'pay');
    const total = async (): Promise<string> =>
      (await get(daybook, `/api/orders/summary?currency=${currency}`)).text.match(/"total_cents":(\d+)/)![1]!;
    await sql(
      daybook,
      `UPDATE customer_totals SET total_cents = 9223372036854775801 WHERE customer_id = '${customerId}'`,
    );
    expect(await total()).toBe('9223372036854775801');
    const next = await addOrder(customerId, { currency });
    expect((await move(next.id, 'pay')).status).toBe(200);
    expect(await total()).toBe('9223372036854778801');
    expect((await move(next.id, 'cancel')).status).toBe(200);
    expect(await total()).toBe('9223372036854775801');
  });

  it('equals a recount after 50 concurrent writers, and no transition is lost to a deadlock', async () => {
    const customers = await Promise.all(Array.from({ length: 3 }, () => addCustomer()));
    const currency = 'NOK';
    const writer = async (index: number): Promise<void> => {
      const customer = customers[index % 3]!;
      for (let round = 0; round < 4; round++) {
        const { id } = await addOrder(customer.id, { currency });
        expect((await move(id, 'pay')).status).toBe(200);
        if ((index + round) % 3 === 0) expect((await move(id, 'cancel')).status).toBe(200);
        if ((index + round) % 4 === 1) expect((await move(id, 'archive')).status).toBe(200);
        if (round === 2) expect((await setActive(customer.id, index % 2 === 0)).status).toBe(200);
      }
    };
    await Promise.all(Array.from({ length: 50 }, (_, index) => writer(index)));
    const totals = await sql(
      daybook,
      `SELECT customer_id, order_count::integer, total_cents::integer, is_active FROM customer_totals
        WHERE currency = '${currency}' ORDER BY 1`,
    );
    const recount = await sql(
      daybook,
      `SELECT c.id AS customer_id, count(*)::integer AS order_count, sum(o.total_cents)::integer AS total_cents, c.is_active
        FROM orders o JOIN customers c ON c.id = o.customer_id
        WHERE o.currency = '${currency}' AND o.status IN ('paid', 'shipped') AND NOT o.is_archived GROUP BY c.id ORDER BY 1`,
    );
    expect(totals).toEqual(recount);
  });
});
