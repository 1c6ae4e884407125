/**
 * Promise: an order is created whole or not at all, moves only as docs/state-machines.md draws it, and posts to the journal in
 * the transaction that moves it. A change of one order touches no other.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';
import { expectProblem, get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

let daybook: Daybook;
beforeAll(async () => {
  daybook = await startDaybook({ env: UNLIMITED });
});

const UNKNOWN_ID = uuidv7();
const ITEMS = [
  { sku: 'A-1', quantity: 2, unit_price_cents: 12_50 },
  { sku: 'B-2', quantity: 1, unit_price_cents: 5_00 },
];
const GIFT = { items: [{ sku: 'gift', quantity: 1, unit_price_cents: 0 }] };

async function addCustomer(more: object = {}): Promise<{ id: string; email: string }> {
  const reply = await post(daybook, '/api/customers', { name: 'Acme', email: `${uuidv7()}@acme.example`, ...more });
  expect(reply.status).toBe(201);
  return reply.json;
}

async function addOrder(customerId: string, more: object = {}): Promise<Reply['json']> {
  const reply = await post(daybook, '/api/orders', { customer_id: customerId, items: ITEMS, ...more });
  expect({ status: reply.status, text: reply.text }).toMatchObject({ status: 201 });
  return reply.json;
}

const move = (id: string, name: string, headers?: Record<string, string>): Promise<Reply> =>
  post(daybook, `/api/orders/${id}/${name}`, undefined, headers);
const change = (id: string, body: object, headers?: Record<string, string>): Promise<Reply> =>
  send(daybook, 'PATCH', `/api/orders/${id}`, { body, headers });
const orderOf = async (id: string): Promise<Reply['json']> => (await get(daybook, `/api/orders/${id}`)).json;

interface Line {
  kind: string;
  ledger_account: string;
  currency: string;
  amount_cents: number;
  customer_id: string;
}

/** The lines that an order has posted, oldest entry first. */
const linesOf = (id: string): Promise<Line[]> =>
  sql<Line>(
    daybook,
    `SELECT e.kind, l.ledger_account, l.currency, l.amount_cents::integer AS amount_cents, l.customer_id
      FROM journal_entries e JOIN journal_lines l USING (account_id, number)
      WHERE e.source_id = '${id}' ORDER BY number, line`,
  );

describe('a new order', () => {
  it('is a draft with its items, their totals and its ETag', async () => {
    const customer = await addCustomer();
    const reply = await post(daybook, '/api/orders', { customer_id: customer.id, items: ITEMS, external_ref: 'PO 7' });
    expect(reply.status).toBe(201);
    expect(reply.headers.get('location')).toBe(`/api/orders/${reply.json.id}`);
    expect(reply.headers.get('etag')).toBe('"1"');
    expect(reply.json).toEqual({
      id: expect.any(String),
      customer_id: customer.id,
      customer_email: customer.email,
      status: 'draft',
      currency: 'USD',
      total_cents: 30_00,
      is_archived: false,
      external_ref: 'PO 7',
      placed_at: expect.any(String),
      paid_at: null,
      cancelled_at: null,
      version: 1,
      created_at: expect.any(String),
      updated_at: expect.any(String),
      items: [
        { id: expect.any(String), ...ITEMS[0], line_total_cents: 25_00 },
        { id: expect.any(String), ...ITEMS[1], line_total_cents: 5_00 },
      ],
    });
    expect(await orderOf(reply.json.id)).toEqual(reply.json);
  });

  it.each<[string, object, string]>([
    ['no items', { items: [] }, 'items'],
    ['a quantity of 0', { items: [{ ...ITEMS[0], quantity: 0 }] }, 'items.0.quantity'],
    ['a fraction of a cent', { items: [{ ...ITEMS[0], unit_price_cents: 0.5 }] }, 'items.0.unit_price_cents'],
    ['a negative price', { items: [{ ...ITEMS[0], unit_price_cents: -1 }] }, 'items.0.unit_price_cents'],
    ['an unknown currency', { currency: 'XXQ' }, 'currency'],
    ['a lower-case currency', { currency: 'usd' }, 'currency'],
    ['a control character', { external_ref: 'a\u001b[2J' }, 'external_ref'],
    ['an unknown field', { total_cents: 1 }, ''],
    [
      'a total beyond 2^53',
      { items: Array.from({ length: 10 }, () => ({ sku: 'x', quantity: 1e6, unit_price_cents: 1e12 })) },
      'items',
    ],
  ])('is refused with %s', async (_, more, path) => {
    const { id } = await addCustomer();
    const reply = await post(daybook, '/api/orders', { customer_id: id, items: ITEMS, ...more });
    expectProblem(reply, 422);
    expect(reply.json.errors.map((issue: { path: string }) => issue.path)).toContain(path);
  });

  it('needs a customer of the account', async () => {
    const reply = await post(daybook, '/api/orders', { customer_id: UNKNOWN_ID, items: ITEMS });
    expectProblem(reply, 404);
    expect(reply.json.errors[0].path).toBe('customer_id');
    expect(await sql(daybook, `SELECT FROM orders WHERE customer_id = '${UNKNOWN_ID}'`)).toEqual([]);
  });

  it('has an external reference that is unique', async () => {
    const { id } = await addCustomer();
    await addOrder(id, { external_ref: 'once' });
    expectProblem(await post(daybook, '/api/orders', { customer_id: id, items: ITEMS, external_ref: 'once' }), 409);
  });

  it('is created once with an idempotency key', async () => {
    const { id } = await addCustomer();
    const headers = { 'idempotency-key': uuidv7() };
    const body = { customer_id: id, items: ITEMS };
    const replies = await Promise.all(Array.from({ length: 5 }, () => post(daybook, '/api/orders', body, headers)));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
    expect(await sql(daybook, `SELECT FROM orders WHERE customer_id = '${id}'`)).toHaveLength(1);
    expectProblem(await post(daybook, '/api/orders', { ...body, currency: 'EUR' }, headers), 422);
  });
});

describe('moves', () => {
  it('pay: posts cash against income with the customer, and fixes the customer in the order', async () => {
    const customer = await addCustomer();
    const { id } = await addOrder(customer.id);
    expect((await move(id, 'pay')).json).toEqual({ id, status: 'paid' });
    const line = { kind: 'order.paid', currency: 'USD', customer_id: customer.id };
    expect(await linesOf(id)).toEqual([
      { ...line, ledger_account: 'assets:cash', amount_cents: 30_00 },
      { ...line, ledger_account: 'income:orders', amount_cents: -30_00 },
    ]);
    const email = `new-${customer.email}`;
    expect((await send(daybook, 'PATCH', `/api/customers/${customer.id}`, { body: { email } })).status).toBe(200);
    expect(await orderOf(id)).toMatchObject({ status: 'paid', customer_email: customer.email, version: 2 });
    expectProblem(await change(id, { items: ITEMS }), 409);
  });

  it('cancel a paid order: posts the reversal, and touches nothing else', async () => {
    const customer = await addCustomer();
    const paid = await addOrder(customer.id);
    const [other, draft] = [await addOrder(customer.id), await addOrder(customer.id)];
    for (const { id } of [paid, other]) await move(id, 'pay');
    const rest = async () => [
      await orderOf(other.id),
      await orderOf(draft.id),
      (await get(daybook, `/api/customers/${customer.id}`)).json,
    ];
    const before = await rest();
    expect((await move(paid.id, 'cancel')).json).toEqual({ id: paid.id, status: 'cancelled' });
    expect((await linesOf(paid.id)).map((line) => line.amount_cents)).toEqual([30_00, -30_00, -30_00, 30_00]);
    expect(await orderOf(paid.id)).toMatchObject({ status: 'cancelled', items: paid.items, total_cents: 30_00 });
    expect(await rest()).toEqual(before);
    const reversals = await sql(
      daybook,
      `SELECT r.number FROM journal_entries r JOIN journal_entries p ON p.account_id = r.account_id AND p.number = r.reverses
        WHERE r.source_id = '${paid.id}' AND p.source_id = r.source_id`,
    );
    expect(reversals).toHaveLength(1);
  });

  it('cancel a draft, pay and ship a free order: nothing is posted', async () => {
    const { id: customerId } = await addCustomer();
    const [draft, free, gift] = [
      await addOrder(customerId),
      await addOrder(customerId, GIFT),
      await addOrder(customerId, GIFT),
    ];
    expect((await move(draft.id, 'cancel')).json).toMatchObject({ status: 'cancelled' });
    await move(free.id, 'pay');
    expect((await move(free.id, 'ship')).json).toEqual({ id: free.id, status: 'shipped' });
    await move(gift.id, 'pay');
    expect((await move(gift.id, 'cancel')).json).toMatchObject({ status: 'cancelled' });
    for (const { id } of [draft, free, gift]) expect(await linesOf(id)).toEqual([]);
  });

  it.each([
    ['draft', [], 'ship'],
    ['paid', ['pay'], 'pay'],
    ['shipped', ['pay', 'ship'], 'cancel'],
    ['shipped', ['pay', 'ship'], 'ship'],
    ['cancelled', ['cancel'], 'pay'],
    ['cancelled', ['cancel'], 'cancel'],
  ])('an order that is %s (after %j) cannot %s', async (status, moves, refused) => {
    const { id } = await addOrder((await addCustomer()).id);
    for (const name of moves) expect((await move(id, name)).status).toBe(200);
    const before = await orderOf(id);
    const reply = await move(id, refused);
    expectProblem(reply, 409);
    expect(reply.json.detail).toContain(`The order is ${status}`);
    expect(await orderOf(id)).toEqual(before);
  });

  it('two payments at once: one succeeds, and one entry is posted', async () => {
    const { id } = await addOrder((await addCustomer()).id);
    const replies = await Promise.all(Array.from({ length: 6 }, () => move(id, 'pay')));
    expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409, 409, 409, 409]);
    expect(await linesOf(id)).toHaveLength(2);
  });

  it.each(['pay', 'ship', 'cancel', 'archive', 'unarchive'])('%s an unknown order is 404', async (name) => {
    expectProblem(await move(UNKNOWN_ID, name), 404);
    expectProblem(await move('not-an-id', name), 404);
  });
});

describe('a draft', () => {
  it('is changed as a whole: items, total, version', async () => {
    const { id } = await addOrder((await addCustomer()).id);
    const items = [{ sku: 'C-3', quantity: 4, unit_price_cents: 1_00 }];
    const placed_at = '2026-03-01T13:00:00+01:00';
    const reply = await change(id, { items, currency: 'EUR', external_ref: 'changed', placed_at });
    expect(reply.status).toBe(200);
    expect(reply.headers.get('etag')).toBe('"2"');
    expect(reply.json).toMatchObject({
      version: 2,
      total_cents: 4_00,
      currency: 'EUR',
      external_ref: 'changed',
      placed_at: '2026-03-01T12:00:00.000Z',
      items: [{ ...items[0], line_total_cents: 4_00 }],
    });
    expect((await change(id, { external_ref: null })).json).toMatchObject({
      external_ref: null,
      total_cents: 4_00,
      version: 3,
    });
  });

  it('changes only in the version that If-Match names', async () => {
    const { id } = await addOrder((await addCustomer()).id);
    const changeIf = (tag: string): Promise<Reply> => change(id, { currency: 'EUR' }, { 'if-match': tag });
    for (const tag of ['"2"', '2', 'W/"1"', 'x']) expectProblem(await changeIf(tag), 412);
    expect((await changeIf('"0", "1"')).json).toMatchObject({ version: 2, currency: 'EUR' });
    expectProblem(await changeIf('"1"'), 412);
    expect((await changeIf('*')).json).toMatchObject({ version: 3 });
    expectProblem(await move(id, 'pay', { 'if-match': '"2"' }), 412);
    expect((await move(id, 'pay', { 'if-match': '"3"' })).status).toBe(200);
    // Without the quotes, which curl users leave out.
    expectProblem(await move(id, 'ship', { 'if-match': '3' }), 412);
    expect((await move(id, 'ship', { 'if-match': '4' })).status).toBe(200);
  });

  it('changes only in a version that If-None-Match does not name', async () => {
    const { id } = await addOrder((await addCustomer()).id);
    for (const tag of ['*', '"1"', 'W/"1"', '"0", "1"']) {
      expectProblem(await change(id, { currency: 'EUR' }, { 'if-none-match': tag }), 412);
      for (const name of ['pay', 'cancel', 'archive'])
        expectProblem(await move(id, name, { 'if-none-match': tag }), 412);
    }
    expect(await orderOf(id)).toMatchObject({ version: 1, status: 'draft', is_archived: false });
    expect((await move(id, 'pay', { 'if-none-match': '"2"' })).status).toBe(200);
  });

  it('is read by the same preconditions', async () => {
    const { id } = await addOrder((await addCustomer()).id);
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await get(daybook, `/api/orders/${id}`, headers)).status;
    for (const tag of ['"2"', 'W/"1"', 'x']) expect(await status({ 'if-match': tag })).toBe(412);
    for (const tag of ['"1"', '*', '"0", "1"']) expect(await status({ 'if-match': tag })).toBe(200);
    // fetch() adds `Cache-Control: no-cache`, which does not turn the condition off.
    for (const tag of ['"1"', '*', 'W/"1"']) expect(await status({ 'if-none-match': tag })).toBe(304);
    expect(await status({ 'if-none-match': '"2"' })).toBe(200);
    expect(await status({ 'if-match': '"2"', 'if-none-match': '"1"' })).toBe(412);
  });

  it('is the only kind of record with versions: a tag never matches another one', async () => {
    const customer = await addCustomer();
    const tagged = { 'if-match': '"1"' };
    const body = { name: 'Other' };
    expectProblem(await send(daybook, 'PATCH', `/api/customers/${customer.id}`, { body, headers: tagged }), 412);
    expectProblem(await send(daybook, 'DELETE', `/api/customers/${customer.id}`, { headers: tagged }), 412);
    expectProblem(await get(daybook, `/api/customers/${customer.id}`, tagged), 412);
    expectProblem(await post(daybook, '/api/periods/1999-01/close', undefined, tagged), 412);
    expect((await get(daybook, `/api/customers/${customer.id}`, { 'if-match': '*' })).json.name).toBe('Acme');
  });

  it('needs a field to change', async () => {
    const { id } = await addOrder((await addCustomer()).id);
    expectProblem(await change(id, {}), 422);
  });
});

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
  ])('refuse %s and say what is allowed', async (query, path, message) => {
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

  it('equals a recount after 50 concurrent writers, and no move is lost to a deadlock', async () => {
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
