/**
 * An order is created whole or not at all, changes its status only as docs/state-machines.md describes, and posts to
 * the journal in the same transaction. A change of one order touches no other.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { GIFT, ITEMS, UNKNOWN_ID, ordersClient } from './orders-fixture.js';

let daybook: Daybook;
beforeAll(async () => {
  daybook = await startDaybook({ env: UNLIMITED });
});

const { addCustomer, addOrder, move, change, orderOf } = ordersClient(() => daybook);

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
  it.each<[string, string[]]>([
    ['pay', []],
    ['ship', ['pay']],
    ['cancel', []],
    ['cancel', ['pay']],
    ['archive', []],
    ['unarchive', ['archive']],
  ])('%s after %j happens once under an idempotency key, and a repeat gets the first answer', async (name, before) => {
    const { id } = await addOrder((await addCustomer()).id);
    for (const earlier of before) await move(id, earlier);
    const { version } = await orderOf(id);
    const headers = { 'idempotency-key': uuidv7(), 'if-match': `"${version}"` };
    const replies = await Promise.all(Array.from({ length: 5 }, () => move(id, name, headers)));
    expect(replies.map(({ status, text }) => [status, text])).toEqual(replies.map(() => [200, replies[0]!.text]));
    expect(replies.filter((reply) => reply.headers.get('idempotency-replayed') === 'true')).toHaveLength(4);
    expect((await orderOf(id)).version).toBe(version + 1);
    const other = await post(daybook, `/api/orders/${id}/${name}`, { note: 'x' }, headers);
    expectProblem(other, 422);
    expect(other.json.type).toBe('urn:daybook:problem:idempotency-key-reused');
  });

  it('that are refused leave their idempotency key free', async () => {
    const { id } = await addOrder((await addCustomer()).id);
    const headers = { 'idempotency-key': uuidv7() };
    expectProblem(await move(id, 'ship', headers), 409);
    expect((await move(id, 'pay', headers)).status).toBe(200);
    expect((await move(id, 'ship', headers)).json).toEqual({ id, status: 'shipped' });
  });

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
    // fetch() adds `Cache-Control: no-cache`, which does not disable the condition.
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
