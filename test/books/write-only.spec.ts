/** A key with only `books:write` cannot read data of customers, orders and entries from the responses to writes. */
import { beforeAll, expect, it } from '@jest/globals';
import { get, post, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { type TestKey, createKey } from '../support/keys.js';
import { UNLIMITED } from '../support/submit.js';

/** Text of another key of the account: of a customer, an item and a ledger account. */
const PRIVATE = 'private-text';

let daybook: Daybook;
let full: TestKey;
let writer: TestKey;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, AUTH: 'required' } });
  full = await createKey(daybook, ['books:read', 'books:write'], { account: 'acme' });
  writer = await createKey(daybook, ['books:write'], { account: 'acme' });
});

const made = async (path: string, body: object) => (await post(daybook, path, body, full.headers)).json;

let customers = 0;
const customer = async (): Promise<string> =>
  (await made('/api/customers', { name: PRIVATE, email: `${PRIVATE}${customers++}@example.com` })).id;

const item = { sku: PRIVATE, quantity: 1, unit_price_cents: 7 };
const order = async (): Promise<string> =>
  (await made('/api/orders', { customer_id: await customer(), items: [item] })).id;

const paid = async (): Promise<string> => {
  const id = await order();
  await post(daybook, `/api/orders/${id}/pay`, {}, full.headers);
  return id;
};

const move = (name: string, id: () => Promise<string>) => async () => ({ path: `/api/orders/${await id()}/${name}` });

/** The routes that need `books:write` and change what exists: requests of a key that has only this scope. */
const WRITES: Record<string, () => Promise<{ path: string; body?: object }>> = {
  'PATCH /api/customers/{id}': async () => ({ path: `/api/customers/${await customer()}`, body: { is_active: false } }),
  'DELETE /api/customers/{id}': async () => ({ path: `/api/customers/${await customer()}` }),
  'POST /api/orders': async () => ({
    path: '/api/orders',
    body: { customer_id: await customer(), items: [{ ...item, sku: 'own' }] },
  }),
  'PATCH /api/orders/{id}': async () => ({ path: `/api/orders/${await order()}`, body: { external_ref: 'own' } }),
  'POST /api/orders/{id}/pay': move('pay', order),
  'POST /api/orders/{id}/ship': move('ship', paid),
  'POST /api/orders/{id}/cancel': move('cancel', paid),
  'POST /api/orders/{id}/archive': move('archive', order),
  'POST /api/orders/{id}/unarchive': move('unarchive', order),
  'POST /api/journal/entries/{number}/reverse': async () => {
    const amount = (ledger_account: string, amount_cents: number) => ({
      ledger_account,
      currency: 'USD',
      amount_cents,
    });
    const lines = [amount(`assets:${PRIVATE}`, 7), amount('income:orders', -7)];
    const { number } = await made('/api/journal/entries', { effective_at: new Date().toISOString(), memo: 'x', lines });
    return { path: `/api/journal/entries/${number}/reverse`, body: { memo: 'own' } };
  },
  'POST /api/periods/{period}/close': () => Promise.resolve({ path: '/api/periods/2001-01/close' }),
};
/** Those that show only what the caller sent, or counts. */
const OTHERS = ['POST /api/customers', 'POST /api/dev/seed', 'POST /api/journal/entries', 'POST /api/orders/import'];

it('covers each route that needs books:write', async () => {
  const { paths } = (await get(daybook, '/openapi.json')).json as {
    paths: Record<string, Record<string, { security?: Record<string, string[]>[] }>>;
  };
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method, { security }]) => method !== 'get' && JSON.stringify(security ?? []).includes('books:write'))
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
  expect(routes.toSorted()).toEqual([...Object.keys(WRITES), ...OTHERS].toSorted());
});

it.each(Object.entries(WRITES))('%s shows nothing else', async (route, prepare) => {
  const { path, body } = await prepare();
  const method = route.split(' ')[0]!;
  const headers = { ...writer.headers, 'idempotency-key': route };
  const reply = await send(daybook, method, path, { body, headers });
  expect([200, 201]).toContain(reply.status);
  expect(reply.text).not.toContain(PRIVATE);
  // A repeat shows the first answer.
  const again = await send(daybook, method, path, { body, headers: { ...full.headers, 'idempotency-key': route } });
  if (again.headers.get('idempotency-replayed')) expect(again.text).toBe(reply.text);
});
