/** Customers belong to an account, and their emails are unique in it, regardless of case. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { createKey, type TestKey } from '../support/keys.js';
import { UNLIMITED } from '../support/submit.js';

let daybook: Daybook;
let acme: TestKey;
let other: TestKey;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, AUTH: 'required' } });
  acme = await createKey(daybook, ['books:read', 'books:write'], { account: 'acme' });
  other = await createKey(daybook, ['books:read', 'books:write'], { account: 'other' });
});

const ITEMS = [{ sku: 'x', quantity: 1, unit_price_cents: 1_00 }];
const emailOf = (): string => `Someone.${uuidv7()}@acme.example`;
const add = (body: object, { headers } = acme): Promise<Reply> => post(daybook, '/api/customers', body, headers);
const change = (id: string, body: object): Promise<Reply> =>
  send(daybook, 'PATCH', `/api/customers/${id}`, { body, headers: acme.headers });
const view = (id: string): Promise<Reply> => get(daybook, `/api/customers/${id}`, acme.headers);
const remove = (id: string): Promise<Reply> =>
  send(daybook, 'DELETE', `/api/customers/${id}`, { headers: acme.headers });

describe('a customer', () => {
  it('is added, shown, changed and deleted', async () => {
    const email = emailOf();
    const added = await add({ name: '  Acme Ltd ', email });
    expect(added.status).toBe(201);
    expect(added.json).toEqual({
      id: expect.any(String),
      name: 'Acme Ltd',
      email,
      is_active: true,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
    const { id } = added.json;
    expect((await view(id)).json).toEqual(added.json);
    const changed = await change(id, { name: 'Acme plc', is_active: false });
    expect(changed.json).toEqual({
      ...added.json,
      name: 'Acme plc',
      is_active: false,
      updated_at: expect.any(String),
    });
    expect(Date.parse(changed.json.updated_at)).toBeGreaterThan(Date.parse(added.json.updated_at));
    const deleted = await remove(id);
    expect([deleted.status, deleted.json]).toEqual([200, { deleted: true, id }]);
    for (const reply of [await view(id), await change(id, { name: 'B' }), await remove(id), await view('x')])
      expectProblem(reply, 404);
  });

  it('has a unique email, regardless of case', async () => {
    const email = emailOf();
    const [first, second] = [await add({ name: 'A', email }), await add({ name: 'B', email: emailOf() })];
    for (const reply of [
      await add({ name: 'C', email: email.toUpperCase() }),
      await change(second.json.id, { email: email.toLowerCase() }),
    ]) {
      expectProblem(reply, 409);
      expect(reply.json.errors[0].path).toBe('email');
    }
    expect((await change(first.json.id, { email: email.toLowerCase() })).status).toBe(200);
    // Another account may know the same person.
    expect((await add({ name: 'A', email }, other)).status).toBe(201);
  });

  it('cannot be deleted if the journal refers to it', async () => {
    const { id: customer_id } = (await add({ name: 'A', email: emailOf() })).json;
    const line = { currency: 'USD', customer_id };
    const lines = [
      { ...line, ledger_account: 'assets:cash', amount_cents: 5 },
      { ...line, ledger_account: 'income:fees', amount_cents: -5 },
    ];
    const entry = { effective_at: '2026-03-01T00:00:00Z', memo: 'Fee', lines };
    expect((await post(daybook, '/api/journal/entries', entry, acme.headers)).status).toBe(201);
    expectProblem(await remove(customer_id), 409);
  });

  it('cannot be deleted if it has orders', async () => {
    const { id } = (await add({ name: 'A', email: emailOf() })).json;
    const order = { customer_id: id, items: ITEMS };
    expect((await post(daybook, '/api/orders', order, acme.headers)).status).toBe(201);
    expectProblem(await remove(id), 409);
    expect((await view(id)).status).toBe(200);
  });

  it.each<[string, object, string]>([
    ['no name', { email: 'a@b.example' }, 'name'],
    ['a blank name', { name: '  ', email: 'a@b.example' }, 'name'],
    ['a control character', { name: 'x\u001b[2J', email: 'a@b.example' }, 'name'],
    ['no address', { name: 'A', email: 'nobody' }, 'email'],
    ['an unknown field', { name: 'A', email: 'a@b.example', id: 1 }, ''],
  ])('is refused with %s', async (_, body, path) => {
    const reply = await add(body);
    expectProblem(reply, 422);
    expect(reply.json.errors.map((issue: { path: string }) => issue.path)).toContain(path);
  });

  it('needs at least one field to change', async () => {
    const { id } = (await add({ name: 'A', email: emailOf() })).json;
    expectProblem(await change(id, {}), 422);
  });
});

describe('lists', () => {
  it('page by keyset, newest first, and search emails', async () => {
    const tag = uuidv7().slice(-12);
    const ids: string[] = [];
    for (let count = 0; count < 3; count++)
      ids.unshift((await add({ name: 'L', email: `List_${count}.${tag}@Acme.example` })).json.id);
    const list = async (query: string) => (await get(daybook, `/api/customers?${query}`, acme.headers)).json;
    const first = await list(`email=${tag.toUpperCase()}&limit=2`);
    expect(first.customers.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
    const rest = await list(`email=${tag}&cursor=${first.next_cursor}`);
    expect([rest.customers.map(({ id }: { id: string }) => id), rest.next_cursor]).toEqual([ids.slice(2), null]);
    expect((await list(`email=list_1.${tag}`)).customers).toHaveLength(1);
    expect((await list(`email=list%251.${tag}`)).customers).toEqual([]);
  });
});

describe('another account', () => {
  it('sees and changes nothing of it', async () => {
    const { id } = (await add({ name: 'Mine', email: emailOf() })).json;
    const order = (await post(daybook, '/api/orders', { customer_id: id, items: ITEMS }, acme.headers)).json;
    const asOther = (method: string, path: string, body?: object): Promise<Reply> =>
      send(daybook, method, path, { body, headers: other.headers });
    const moves = ['pay', 'ship', 'cancel', 'archive', 'unarchive'];
    for (const reply of [
      await asOther('GET', `/api/customers/${id}`),
      await asOther('GET', `/api/customers/${id}/orders`),
      await asOther('PATCH', `/api/customers/${id}`, { name: 'Theirs' }),
      await asOther('DELETE', `/api/customers/${id}`),
      await asOther('POST', '/api/orders', { customer_id: id, items: ITEMS }),
      await asOther('GET', `/api/orders/${order.id}`),
      await asOther('PATCH', `/api/orders/${order.id}`, { items: ITEMS }),
      ...(await Promise.all(moves.map((name) => asOther('POST', `/api/orders/${order.id}/${name}`)))),
    ])
      expectProblem(reply, 404);
    expect((await asOther('GET', `/api/orders?customer_id=${id}`)).json.orders).toEqual([]);
    expect((await post(daybook, `/api/orders/${order.id}/pay`, undefined, acme.headers)).status).toBe(200);
    expect((await asOther('GET', '/api/orders/summary')).json.rows).toEqual([]);
    expect((await view(id)).json).toMatchObject({ name: 'Mine' });
  });

  it('needs the scope of the route', async () => {
    const reader = await createKey(daybook, ['books:read'], { account: 'acme' });
    const writer = await createKey(daybook, ['books:write'], { account: 'acme' });
    const reports = await createKey(daybook, ['reports:read', 'reports:write'], { account: 'acme' });
    expectProblem(await add({ name: 'A', email: emailOf() }, reader), 403);
    expect((await add({ name: 'A', email: emailOf() }, writer)).status).toBe(201);
    for (const path of ['/api/customers', '/api/orders', '/api/orders/summary']) {
      expect((await get(daybook, path, reader.headers)).status).toBe(200);
      for (const { headers } of [writer, reports]) expectProblem(await get(daybook, path, headers), 403);
    }
  });
});
