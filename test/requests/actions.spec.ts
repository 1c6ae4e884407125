/**
 * Promise: every write over HTTP or the command line, except the creation of requests, is in the action log: who, what, when,
 * from where, and its outcome. An account sees its own actions, an operator all of them.
 */
import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, type Reply, send } from '../support/client.js';
import { DATABASE_ENVIRONMENT } from '../support/database.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { addKeptMail } from '../support/mail.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { createKey, type TestKey } from '../support/keys.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { holdLane, sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { PASSWORD, type TestUser, registerUser } from '../support/users.js';

/** Routes that write and are not recorded: they create requests, or only receive. */
const UNRECORDED = ['POST /api/async', 'POST /api/batch', 'POST /api/callbacks/receive', 'POST /api/sync'];

const ROUTES = fileURLToPath(new URL('../support/routes.js', import.meta.url));
const KEYS = fileURLToPath(new URL('../../dist/src/cli/keys.main.js', import.meta.url));
const DAY_MS = 86_400_000;

interface Action {
  id: string;
  at: string;
  action: string;
  target: string | null;
  detail: Record<string, unknown> | null;
  outcome: string;
  status: number | null;
  actor: { kind: string; id: string | null; name: string | null };
  account: string | null;
  request_id: string | null;
  address: string | null;
}

let receiver: Receiver;
let open: Daybook;
let required: Daybook;
let admin: TestKey;
/** The action of each route that is not GET; null if it is unrecorded, and empty if it declares neither. */
let declared: Record<string, string | null>;
beforeAll(async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [ROUTES, '--actions']);
  declared = JSON.parse(stdout) as Record<string, string | null>;
  receiver = await startReceiver();
  receiver.answerWith(({ path }) => (path === '/gone' ? { status: 410 } : {}));
  open = await startDaybook({ env: { ...UNLIMITED, SWEEP_INTERVAL: '100ms', ACTION_RETENTION: '1d' } });
  required = await startDaybook({ env: { ...UNLIMITED, AUTH: 'required' } });
  admin = await createKey(required, ['admin'], { account: 'operators' });
});

async function actionsOf(daybook: Daybook, query = '', headers?: Record<string, string>): Promise<Action[]> {
  const reply = await get(daybook, `/api/actions${query}`, headers);
  expect(reply.status).toBe(200);
  return reply.json.actions as Action[];
}

async function accept(daybook: Daybook, lane: string, headers?: Record<string, string>, more = {}): Promise<string> {
  const body = { input_data: 'x', iterations: 1, lane, callback_url: `${receiver.url}/hook?token=hush`, ...more };
  const reply = await send(daybook, 'POST', '/api/async', { body, headers });
  expect(reply.status).toBe(202);
  return reply.json.request_id as string;
}

async function finished(daybook: Daybook, id: string, headers?: Record<string, string>): Promise<void> {
  await eventually(async () => {
    const { json } = await get(daybook, `/api/requests/${id}`, headers);
    return json.status === 'COMPLETED' && json.callback_status !== 'PENDING';
  });
}

async function keysCommand(daybook: Daybook, ...args: string[]): Promise<string> {
  const env = { PATH: process.env.PATH, ...DATABASE_ENVIRONMENT, DATABASE_URL: daybook.databaseUrl };
  const { stdout } = await promisify(execFile)(process.execPath, [KEYS, ...args], {
    cwd: await temporaryFolder(),
    env,
  });
  return stdout.trim();
}

/** A write that succeeds, with what it must leave in the log. */
interface Write {
  path: string;
  body?: object | string;
  headers?: Record<string, string>;
  target?: string | null;
  detail?: object | null;
  /** By default a caller of an open installation. */
  actor?: { kind: string; id: string; name: string };
}

async function addCustomer(): Promise<string> {
  const reply = await send(open, 'POST', '/api/customers', { body: { name: 'A', email: `${uuidv7()}@a.example` } });
  return reply.json.id as string;
}

const ITEMS = [{ sku: 'x', quantity: 1, unit_price_cents: 100 }];

/** An order in the status to which these moves lead. */
async function addOrder(...moves: string[]): Promise<string> {
  const body = { customer_id: await addCustomer(), items: ITEMS };
  const { id } = (await send(open, 'POST', '/api/orders', { body })).json as { id: string };
  for (const move of moves) await send(open, 'POST', `/api/orders/${id}/${move}`);
  return id;
}

/** A move of an order, and the moves before it. */
const orderMove =
  (move: string, ...before: string[]) =>
  async (): Promise<Write> => {
    const id = await addOrder(...before);
    return { path: `/api/orders/${id}/${move}`, target: id };
  };

const EVENT = { title: 'Jazz', date: '2099-01-01T00:00:00Z', location: 'B', total_tickets: 9, price_cents: 5 };

async function addEvent(): Promise<{ organizer: TestUser; event: string }> {
  const organizer = await registerUser(open, 'organizer');
  const { json } = await send(open, 'POST', '/api/events', { body: EVENT, headers: organizer.headers });
  return { organizer, event: json.id as string };
}

/** A call of an organizer that concerns an event of its own. */
async function ownEvent(body?: object): Promise<Write> {
  const { organizer, event } = await addEvent();
  const actor = userActor(organizer.id);
  return { path: `/api/events/${event}`, body, headers: organizer.headers, target: event, actor };
}

/** Prepares a successful call of each route that is recorded with `AUTH=open`. */
const WRITES: Record<string, () => Promise<Write>> = {
  'POST /api/requests/{id}/cancel': async () => {
    await holdLane(open, 'held');
    const id = await accept(open, 'held');
    return { path: `/api/requests/${id}/cancel`, target: id };
  },
  'POST /api/requests/{id}/redeliver': async () => {
    const id = await accept(open, 'a');
    await finished(open, id);
    return { path: `/api/requests/${id}/redeliver`, target: id };
  },
  'DELETE /api/requests/{id}': async () => {
    const id = await accept(open, 'a');
    await finished(open, id);
    return { path: `/api/requests/${id}`, target: id };
  },
  'DELETE /api/requests': async () => ({ path: '/api/requests', detail: { count: expect.any(Number) } }),
  'POST /api/lanes/{lane}/pause': async () => {
    await accept(open, 'b');
    return { path: '/api/lanes/b/pause', target: 'b' };
  },
  'POST /api/lanes/{lane}/resume': async () => ({ path: '/api/lanes/b/resume', target: 'b' }),
  'PUT /api/lanes/{lane}': async () => ({
    path: '/api/lanes/b',
    body: { priority: 60 },
    target: 'b',
    detail: { priority: 60 },
  }),
  'POST /api/callbacks/test': async () => ({
    path: '/api/callbacks/test',
    body: { url: `${receiver.url}/hook?token=hush` },
    detail: { url: receiver.url },
  }),
  'POST /api/callbacks/urls/enable': async () => {
    const url = `${receiver.url}/gone`;
    const id = await accept(open, 'c', undefined, { callback_url: url });
    await finished(open, id);
    return { path: '/api/callbacks/urls/enable', body: { url }, detail: { url: receiver.url } };
  },
  'POST /api/callbacks/redeliver': async () => ({
    path: '/api/callbacks/redeliver',
    body: { status: 'SUCCESS', since: '2026-01-01T00:00:00.000Z' },
    target: expect.any(String) as unknown as string,
    detail: { status: 'SUCCESS', since: '2026-01-01T00:00:00.000Z' },
  }),
  'POST /api/callbacks/redeliveries/{id}/cancel': async () => {
    const id = uuidv7();
    await sql(
      open,
      `INSERT INTO callback_redeliveries (id, until, matched, due_at) VALUES ($1, now(), 9, now() + interval '1 hour')`,
      [id],
    );
    return { path: `/api/callbacks/redeliveries/${id}/cancel`, target: id };
  },
  'POST /api/callback-secrets/rotate': async () => ({ path: '/api/callback-secrets/rotate' }),
  'DELETE /api/callbacks/history': async () => ({
    path: '/api/callbacks/history',
    detail: { count: expect.any(Number) },
  }),
  'POST /api/callbacks/simulate-failures': async () => ({
    path: '/api/callbacks/simulate-failures',
    body: { enabled: false },
    detail: { enabled: false },
  }),
  'POST /api/customers': async () => ({
    path: '/api/customers',
    body: { name: 'A', email: `${uuidv7()}@a.example` },
    target: expect.any(String) as unknown as string,
  }),
  'PATCH /api/customers/{id}': async () => {
    const id = await addCustomer();
    return { path: `/api/customers/${id}`, body: { is_active: false }, target: id };
  },
  'DELETE /api/customers/{id}': async () => {
    const id = await addCustomer();
    return { path: `/api/customers/${id}`, target: id };
  },
  'POST /api/orders': async () => ({
    path: '/api/orders',
    body: { customer_id: await addCustomer(), items: ITEMS },
    target: expect.any(String) as unknown as string,
  }),
  'POST /api/dev/seed': async () => ({
    path: '/api/dev/seed',
    body: { customers: 1, seed: 3 },
    detail: { customers: 1, seed: 3 },
  }),
  'PATCH /api/orders/{id}': async () => {
    const id = await addOrder();
    return { path: `/api/orders/${id}`, body: { currency: 'EUR' }, target: id };
  },
  'POST /api/orders/import': async () => ({
    path: '/api/orders/import',
    body: 'external_ref,customer_email,sku,quantity,unit_price_cents\n',
    headers: { 'content-type': 'text/csv' },
    target: expect.any(String) as unknown as string,
  }),
  'POST /api/orders/{id}/pay': orderMove('pay'),
  'POST /api/orders/{id}/ship': orderMove('ship', 'pay'),
  'POST /api/orders/{id}/cancel': orderMove('cancel'),
  'POST /api/orders/{id}/archive': orderMove('archive'),
  'POST /api/orders/{id}/unarchive': orderMove('unarchive', 'archive'),
  'POST /api/journal/entries': async () => ({
    path: '/api/journal/entries',
    body: ADJUSTMENT,
    target: expect.any(String) as unknown as string,
    detail: { memo: 'Bank fees', effective_at: '2026-03-31T12:00:00Z' },
  }),
  'POST /api/journal/entries/{number}/reverse': async () => {
    const { number } = (await send(open, 'POST', '/api/journal/entries', { body: ADJUSTMENT })).json as {
      number: number;
    };
    const path = `/api/journal/entries/${number}/reverse`;
    return { path, body: { memo: 'Twice' }, target: String(number), detail: { memo: 'Twice' } };
  },
  'POST /api/periods/{period}/close': async () => ({ path: '/api/periods/2026-03/close', target: '2026-03' }),
  'POST /api/periods/{period}/reopen': async () => ({ path: '/api/periods/2026-03/reopen', target: '2026-03' }),
  'POST /api/mail/{id}/retry': async () => {
    const id = await addKeptMail(open);
    return { path: `/api/mail/${id}/retry`, target: id };
  },
  'POST /api/auth/register': async () => ({
    path: '/api/auth/register',
    body: { name: 'Ada', email: `${uuidv7()}@users.example`, password: PASSWORD, role: 'customer' },
    target: expect.any(String) as unknown as string,
    detail: { role: 'customer' },
    actor: { kind: 'user', id: expect.any(String) as unknown as string, name: 'Ada' },
  }),
  'POST /api/auth/login': async () => {
    const { id, email } = await registerUser(open, 'customer');
    return { path: '/api/auth/login', body: { email, password: PASSWORD }, target: id, actor: userActor(id) };
  },
  'POST /api/auth/refresh': async () => {
    const { id, refreshToken } = await registerUser(open, 'customer');
    return { path: '/api/auth/refresh', body: { refresh_token: refreshToken }, target: id, actor: userActor(id) };
  },
  'POST /api/auth/logout': async () => {
    const { id, headers } = await registerUser(open, 'customer');
    return { path: '/api/auth/logout', headers, actor: userActor(id) };
  },
  'POST /api/auth/password': async () => {
    const { id, headers } = await registerUser(open, 'customer');
    return {
      path: '/api/auth/password',
      body: { current: PASSWORD, new: 'new-passw0rd' },
      headers,
      actor: userActor(id),
    };
  },
  'POST /api/auth/reset': async () => ({ path: '/api/auth/reset', body: { email: 'none@users.example' } }),
  'POST /api/auth/reset/confirm': async () => {
    const { id } = await registerUser(open, 'customer');
    const token = `dbp_${uuidv7()}`;
    const insert = `INSERT INTO password_resets VALUES ($1, $2, now() + interval '1 hour')`;
    await sql(open, insert, [id, hash('sha256', token)]);
    return { path: '/api/auth/reset/confirm', body: { token, new: 'new-passw0rd' }, target: id };
  },
  'POST /api/session': async () => {
    const { id, email } = await registerUser(open, 'customer');
    return { path: '/api/session', body: { email, password: PASSWORD }, actor: userActor(id) };
  },
  'DELETE /api/session': async () => ({ path: '/api/session' }),
  'POST /api/events': async () => {
    const { id, headers } = await registerUser(open, 'organizer');
    const target = expect.any(String) as unknown as string;
    return { path: '/api/events', body: EVENT, headers, target, detail: { title: 'Jazz' }, actor: userActor(id) };
  },
  'PUT /api/events/{id}': async () => ownEvent({ title: 'Blues' }),
  'PATCH /api/events/{id}': async () => ownEvent({ title: 'Blues' }),
  'DELETE /api/events/{id}': async () => ownEvent(),
  'POST /api/bookings': async () => {
    const { id, headers } = await registerUser(open, 'customer');
    const body = { event_id: (await addEvent()).event, num_tickets: 2 };
    const target = expect.any(String) as unknown as string;
    return { path: '/api/bookings', body, headers, target, detail: body, actor: userActor(id) };
  },
  'POST /api/bookings/{id}/cancel': async () => {
    const { id, headers } = await registerUser(open, 'customer');
    const body = { event_id: (await addEvent()).event, num_tickets: 2 };
    const booking = (await send(open, 'POST', '/api/bookings', { body, headers })).json.id as string;
    return { path: `/api/bookings/${booking}/cancel`, headers, target: booking, actor: userActor(id) };
  },
  'POST /api/benchmark/sync': async () => ({ ...RUN, path: '/api/benchmark/sync' }),
  'POST /api/benchmark/async': async () => ({ ...RUN, path: '/api/benchmark/async' }),
  'POST /api/benchmark/both': async () => ({ ...RUN, path: '/api/benchmark/both' }),
  'POST /api/benchmark/runs': async () => ({
    path: '/api/benchmark/runs',
    body: { mode: 'sync', rate: 1, duration_seconds: 300 },
    target: expect.any(String) as unknown as string,
    detail: { mode: 'sync', rate: 1 },
  }),
  'POST /api/benchmark/runs/{id}/cancel': async () => {
    const id = (await get(open, '/api/benchmark/runs')).json.runs[0].id as string;
    return { path: `/api/benchmark/runs/${id}/cancel`, target: id };
  },
};
const userActor = (id: string) => ({ kind: 'user', id, name: 'Ada' });
const ADJUSTMENT = {
  effective_at: '2026-03-31T12:00:00Z',
  memo: 'Bank fees',
  lines: [
    { ledger_account: 'expenses:bank-fees', currency: 'USD', amount_cents: 5 },
    { ledger_account: 'assets:cash', currency: 'USD', amount_cents: -5 },
  ],
};
const OPEN_ACTOR = { kind: 'open', id: null, name: null };
const RUN = { body: { num_requests: 2, concurrency: 1 }, detail: { num_requests: 2, concurrency: 1 } };
const KEY_ROUTES = ['POST /api/keys', 'POST /api/keys/{id}/rotate', 'POST /api/keys/{id}/revoke'];

describe('the routes', () => {
  it('name an action if they change something, or are on the list of exceptions', () => {
    const routes = Object.entries(declared);
    // A route without @Action or @Unrecorded is recorded too, under its path. It needs a name of its own.
    expect(routes.filter(([, action]) => action === '')).toEqual([]);
    const exempt = routes.filter(([, action]) => action === null);
    expect(exempt.map(([route]) => route).sort()).toEqual(UNRECORDED);
    for (const [, action] of routes) if (action !== null) expect(action).toMatch(/^[a-z_]+\.[a-z_]+$/);
  });

  it('are all called below', () => {
    const routes = Object.keys(declared).filter((route) => !UNRECORDED.includes(route));
    expect(routes.sort()).toEqual([...Object.keys(WRITES), ...KEY_ROUTES].sort());
  });

  it.each(Object.keys(WRITES))('%s is recorded', async (route) => {
    const { path, body, headers, target = null, detail = null, actor = OPEN_ACTOR } = await WRITES[route]!();
    const before = await actionsOf(open);
    const reply = await send(open, route.split(' ')[0]!, path, { body, headers });
    expect([reply.text, reply.status < 300]).toEqual([reply.text, true]);
    const [added, ...others] = await actionsOf(open, '?limit=200');
    expect(others.map(({ id }) => id).slice(0, 40)).toEqual(before.map(({ id }) => id).slice(0, 40));
    expect(added).toEqual({
      id: expect.any(String),
      at: expect.any(String),
      action: declared[route],
      target,
      detail,
      outcome: 'succeeded',
      status: reply.status,
      actor,
      account: null,
      request_id: reply.headers.get('x-request-id'),
      address: expect.stringMatching(/127\.0\.0\.1$/),
    });
    expect(Math.abs(Date.parse(added!.at) - Date.now())).toBeLessThan(DAY_MS);
  });

  it('record nothing when a request is refused, or creates requests', async () => {
    const before = await actionsOf(open);
    await send(open, 'POST', `/api/requests/${uuidv7()}/cancel`);
    await send(open, 'PUT', '/api/lanes/b', { body: { priority: 'high' } });
    await send(open, 'POST', '/api/keys', { body: { name: 'x', scopes: ['admin'] } });
    await send(open, 'POST', '/api/sync', { body: { input_data: 'x', iterations: 1 } });
    await accept(open, 'a');
    expect(await actionsOf(open)).toEqual(before);
  });

  it('store no token of a URL, and no body', async () => {
    const rows = await sql<{ row: string }>(open, 'SELECT a::text AS row FROM actions a');
    expect(rows.length).toBeGreaterThan(Object.keys(WRITES).length - 1);
    expect(rows.map(({ row }) => row).join('\n')).not.toMatch(
      /hush|hook|input_data|horse|passw0rd|db[rsp]_|eyJ|users\.example/,
    );
  });
});

describe('with keys', () => {
  const see = ({ headers }: TestKey, query = '') => actionsOf(required, query, headers);
  const by = ({ headers }: TestKey, method: string, path: string, body?: object): Promise<Reply> =>
    send(required, method, path, { body, headers });
  const FULL = ['reports:read', 'reports:write'] as const;

  it('an action says which key of which account it was, and an account sees its own', async () => {
    const acme = await createKey(required, [...FULL], { account: 'acme' });
    const globex = await createKey(required, [...FULL], { account: 'globex' });
    await holdLane(required, 'x');
    const id = await accept(required, 'l', acme.headers);
    await finished(required, id, acme.headers);
    await by(acme, 'DELETE', `/api/requests/${id}`);
    await by(globex, 'DELETE', '/api/requests');
    const [own, ...more] = await see(acme);
    expect(more).toEqual([]);
    expect(own).toMatchObject({
      action: 'request.delete',
      target: id,
      account: 'acme',
      actor: { kind: 'key', id: acme.id, name: 'test' },
      address: expect.stringMatching(/127\.0\.0\.1$/),
    });
    expect((await see(globex)).map(({ action }) => action)).toEqual(['request.delete_all']);
    const all = await see(admin);
    expect(all.map(({ account }) => account)).toEqual(expect.arrayContaining(['acme', 'globex']));
    expect(await see(acme, `?target=${id}&action=request.delete`)).toEqual([own]);
    expect(await see(globex, `?target=${id}`)).toEqual([]);
  });

  it('an operator that acts for an account is recorded as one, and the account does not see which', async () => {
    const tenant = await createKey(required, ['reports:read'], { account: 'tenant' });
    const asTenant = { ...admin.headers, 'daybook-account': 'tenant' };
    const reply = await send(required, 'DELETE', '/api/requests', { headers: asTenant });
    expect(reply.status).toBe(200);
    const [hidden] = await see(tenant);
    expect(hidden).toMatchObject({
      account: 'tenant',
      actor: { kind: 'operator', id: null, name: null },
      address: null,
    });
    expect(await actionsOf(required, '', asTenant)).toMatchObject([{ id: hidden!.id, actor: { id: admin.id } }]);
  });

  it('needs the scope reports:read', async () => {
    const writer = await createKey(required, ['reports:write']);
    expectProblem(await get(required, '/api/actions', writer.headers), 403, '/api/actions');
    expectProblem(await get(required, '/api/actions'), 401, '/api/actions');
  });

  it('keys over HTTP are recorded, without their text', async () => {
    const body = { name: 'ci', account: 'acme', scopes: ['reports:read'] };
    const created = (await by(admin, 'POST', '/api/keys', body)).json;
    const rotated = (await by(admin, 'POST', `/api/keys/${created.id}/rotate`)).json;
    await by(admin, 'POST', `/api/keys/${created.id}/revoke`);
    expect(await see(admin, '?limit=3')).toMatchObject([
      { action: 'key.revoke', target: created.id, account: 'operators', actor: { kind: 'key', id: admin.id } },
      { action: 'key.rotate', target: created.id, detail: { new_id: rotated.id } },
      { action: 'key.create', target: created.id, detail: body },
    ]);
    const rows = await sql<{ row: string }>(required, 'SELECT a::text AS row FROM actions a');
    for (const { key } of [created, rotated]) expect(JSON.stringify(rows)).not.toContain(key.slice(-20));
  });

  it('the command line is recorded with the user of the operating system', async () => {
    const key = await keysCommand(
      required,
      'create',
      '--name',
      'night',
      '--scope',
      'reports:read',
      '--account',
      'acme',
    );
    const id = key.slice(4, 40);
    const successor = (await keysCommand(required, 'rotate', id)).slice(4, 40);
    await keysCommand(required, 'revoke', id);
    await keysCommand(required, 'list');
    const actor = { kind: 'command-line', id: null, name: userInfo().username };
    const common = { target: id, actor, account: null, status: null, request_id: null, address: null };
    expect(await see(admin, '?limit=3')).toMatchObject([
      { action: 'key.revoke', detail: null, ...common },
      { action: 'key.rotate', detail: { new_id: successor }, ...common },
      { action: 'key.create', detail: { name: 'night', account: 'acme', scopes: ['reports:read'] }, ...common },
    ]);
  });
});

describe('the list', () => {
  it('has pages, and filters by action, target and time', async () => {
    for (let count = 0; count < 5; count++) await send(open, 'PUT', '/api/lanes/paged', { body: { priority: count } });
    const all = await actionsOf(open, '?target=paged&limit=200');
    expect(all.map(({ detail }) => detail!['priority'])).toEqual([4, 3, 2, 1, 0]);
    const seen: Action[] = [];
    let cursor = '';
    do {
      const { json } = await get(open, `/api/actions?target=paged&action=lane.prioritize&limit=2${cursor}`);
      seen.push(...json.actions);
      cursor = json.next_cursor === null ? '' : `&cursor=${json.next_cursor}`;
    } while (cursor !== '');
    expect(seen).toEqual(all);
    const { at } = all[2]!;
    const offset = encodeURIComponent(at.replace('Z', '+00:00'));
    const since = await actionsOf(open, `?target=paged&since=${offset}`);
    const until = await actionsOf(open, `?target=paged&until=${offset}`);
    expect(since).toEqual(all.filter((one) => one.at >= at));
    expect(until).toEqual(all.filter((one) => one.at <= at));
    const basic = encodeURIComponent(at.replace('Z', '000000+0000'));
    expect(await actionsOf(open, `?target=paged&since=${basic}`)).toEqual(since);
  });

  it.each([
    'limit=0',
    'limit=201',
    'cursor=x',
    'since=yesterday',
    'until=2026-01-01T00:00Z',
    'since=0001-01-01T00:00:00%2B01:00',
    'unknown=1',
  ])('refuses %s', async (query) => {
    expectProblem(await get(open, `/api/actions?${query}`), 422, '/api/actions');
  });

  it('loses entries after ACTION_RETENTION', async () => {
    await send(open, 'PUT', '/api/lanes/old', { body: { priority: 1 } });
    await send(open, 'PUT', '/api/lanes/new', { body: { priority: 1 } });
    await sql(open, `UPDATE actions SET at = now() - interval '25 hours' WHERE target = 'old'`);
    await eventually(async () => (await actionsOf(open, '?target=old')).length === 0);
    expect(await actionsOf(open, '?target=new')).toHaveLength(1);
  });
});

it('records a write with an idempotency key once, and no repeat of it', async () => {
  const headers = { 'Idempotency-Key': uuidv7() };
  const body = { name: 'Once', email: `${uuidv7()}@once.example` };
  const replies = [];
  for (let time = 0; time < 3; time++) replies.push(await send(open, 'POST', '/api/customers', { body, headers }));
  expect(replies.map(({ status }) => status)).toEqual([201, 201, 201]);
  const ids = replies.map((reply) => reply.headers.get('x-request-id'));
  const recorded = (await actionsOf(open, '?action=customer.create&limit=200')).filter((action) =>
    ids.includes(action.request_id),
  );
  expect(recorded).toMatchObject([{ target: replies[0]!.json.id, outcome: 'succeeded', status: 201 }]);
});

it('keeps the write, and records it later, when the log cannot be written', async () => {
  await sql(open, 'ALTER TABLE actions RENAME TO actions_away');
  const reply = await send(open, 'PUT', '/api/lanes/late', { body: { priority: 7 } });
  expect([reply.status, reply.json.priority]).toEqual([200, 7]);
  expect(open.output()).toMatch(/Not recorded yet.*lane\.prioritize/);
  await sql(open, 'ALTER TABLE actions_away RENAME TO actions');
  const [late] = await eventually(async () => {
    const found = await actionsOf(open, '?target=late');
    return found.length > 0 && found;
  });
  expect(late).toMatchObject({ action: 'lane.prioritize', request_id: reply.headers.get('x-request-id') });
});
