/** A successful call of each recorded route, with its expected entry in the action log. */
import { hash } from 'node:crypto';
import { expect } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { get, send } from '../support/client.js';
import type { Daybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { addKeptMail } from '../support/mail.js';
import type { Receiver } from '../support/receiver.js';
import { holdLane, sql } from '../support/sql.js';
import { PASSWORD, type TestUser, registerUser } from '../support/users.js';

/** The service that is called, and the receiver of its callbacks. */
export interface Scene {
  daybook: Daybook;
  receiver: Receiver;
}

type Headers = Record<string, string>;

/** Submits a request with a callback, and returns its id. */
export async function accept(
  { daybook, receiver }: Scene,
  lane: string,
  headers?: Headers,
  more = {},
): Promise<string> {
  const body = { input_data: 'x', iterations: 1, lane, callback_url: `${receiver.url}/hook?token=hush`, ...more };
  const reply = await send(daybook, 'POST', '/api/async', { body, headers });
  expect(reply.status).toBe(202);
  return reply.json.request_id as string;
}

/** Waits until a request and its callback are done. */
export async function finished({ daybook }: Pick<Scene, 'daybook'>, id: string, headers?: Headers): Promise<void> {
  await eventually(async () => {
    const { json } = await get(daybook, `/api/requests/${id}`, headers);
    return json.status === 'COMPLETED' && json.callback_status !== 'PENDING';
  });
}

/** A successful write and its expected entry in the log. */
export interface Write {
  path: string;
  body?: object | string;
  headers?: Headers;
  target?: string | null;
  detail?: object | null;
  /** By default a caller of an open installation. */
  actor?: { kind: string; id: string; name: string };
}

async function addCustomer(on: Scene): Promise<string> {
  const body = { name: 'A', email: `${uuidv7()}@a.example` };
  const reply = await send(on.daybook, 'POST', '/api/customers', { body });
  return reply.json.id as string;
}

const ITEMS = [{ sku: 'x', quantity: 1, unit_price_cents: 100 }];

/** An order in the status to which these moves lead. */
async function addOrder(on: Scene, ...moves: string[]): Promise<string> {
  const body = { customer_id: await addCustomer(on), items: ITEMS };
  const { id } = (await send(on.daybook, 'POST', '/api/orders', { body })).json as { id: string };
  for (const move of moves) await send(on.daybook, 'POST', `/api/orders/${id}/${move}`);
  return id;
}

/** A transition of an order, and the transitions before it. */
const orderMove =
  (move: string, ...before: string[]) =>
  async (on: Scene): Promise<Write> => {
    const id = await addOrder(on, ...before);
    return { path: `/api/orders/${id}/${move}`, target: id };
  };

const SCHEDULE = {
  name: 'Monthly',
  report: 'digest',
  payload: { input_data: 'hush' },
  every: 'month',
  on: 'last',
  at: '06:00',
  callback_url: null,
  is_active: false,
};

async function addSchedule(on: Scene): Promise<string> {
  return (await send(on.daybook, 'POST', '/api/schedules', { body: SCHEDULE })).json.id as string;
}

/** The queues of the board. */
const BOARD = '/admin/queues/api/queues';

const EVENT = { title: 'Jazz', date: '2099-01-01T00:00:00Z', location: 'B', total_tickets: 9, price_cents: 5 };

async function addEvent(on: Scene): Promise<{ organizer: TestUser; event: string }> {
  const organizer = await registerUser(on.daybook, 'organizer');
  const { json } = await send(on.daybook, 'POST', '/api/events', { body: EVENT, headers: organizer.headers });
  return { organizer, event: json.id as string };
}

/** A call of an organizer for its own event. */
async function ownEvent(on: Scene, body?: object): Promise<Write> {
  const { organizer, event } = await addEvent(on);
  const actor = userActor(organizer.id);
  return { path: `/api/events/${event}`, body, headers: organizer.headers, target: event, actor };
}

/** Prepares a successful call of each route that is recorded with `AUTH=open`. */
export const WRITES: Record<string, (on: Scene) => Promise<Write>> = {
  'POST /api/requests/{id}/cancel': async (on) => {
    await holdLane(on.daybook, 'held');
    const id = await accept(on, 'held');
    return { path: `/api/requests/${id}/cancel`, target: id };
  },
  'POST /api/requests/{id}/redeliver': async (on) => {
    const id = await accept(on, 'a');
    await finished(on, id);
    return { path: `/api/requests/${id}/redeliver`, target: id };
  },
  'DELETE /api/requests/{id}': async (on) => {
    const id = await accept(on, 'a');
    await finished(on, id);
    return { path: `/api/requests/${id}`, target: id };
  },
  'POST /api/requests/bulk': async () => ({
    path: '/api/requests/bulk',
    body: { action: 'cancel', filter: { lane: 'nowhere', created_from: '2026-01-01T00:00:00Z' }, dry_run: true },
    detail: {
      action: 'cancel',
      filter: { lane: 'nowhere', created_from: '2026-01-01T00:00:00Z' },
      dry_run: true,
      count: 0,
    },
  }),
  'DELETE /api/requests': async () => ({ path: '/api/requests', detail: { count: expect.any(Number) } }),
  'POST /api/lanes/{lane}/pause': async (on) => {
    await accept(on, 'b');
    return { path: '/api/lanes/b/pause', target: 'b' };
  },
  'POST /api/lanes/{lane}/resume': async () => ({ path: '/api/lanes/b/resume', target: 'b' }),
  'PUT /api/lanes/{lane}': async () => ({
    path: '/api/lanes/b',
    body: { priority: 60 },
    target: 'b',
    detail: { priority: 60 },
  }),
  'POST /api/callbacks/test': async (on) => ({
    path: '/api/callbacks/test',
    body: { url: `${on.receiver.url}/hook?token=hush` },
    detail: { url: on.receiver.url },
  }),
  'POST /api/callbacks/urls/enable': async (on) => {
    const url = `${on.receiver.url}/gone`;
    const id = await accept(on, 'c', undefined, { callback_url: url });
    await finished(on, id);
    return { path: '/api/callbacks/urls/enable', body: { url }, detail: { url: on.receiver.url } };
  },
  'POST /api/callbacks/redeliver': async () => ({
    path: '/api/callbacks/redeliver',
    body: { status: 'SUCCESS', since: '2026-01-01T00:00:00.000Z' },
    target: expect.any(String) as unknown as string,
    detail: { status: 'SUCCESS', since: '2026-01-01T00:00:00.000Z' },
  }),
  'POST /api/callbacks/redeliveries/{id}/cancel': async (on) => {
    const id = uuidv7();
    await sql(
      on.daybook,
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
  'POST /api/schedules': async (on) => ({
    path: '/api/schedules',
    body: { ...SCHEDULE, callback_url: `${on.receiver.url}/hook?token=hush` },
    target: expect.any(String) as unknown as string,
    detail: {
      name: 'Monthly',
      report: 'digest',
      every: 'month',
      on: 'last',
      at: '06:00',
      callback_url: on.receiver.url,
      is_active: false,
    },
  }),
  'PATCH /api/schedules/{id}': async (on) => {
    const id = await addSchedule(on);
    return { path: `/api/schedules/${id}`, body: { is_active: true }, target: id, detail: { is_active: true } };
  },
  'DELETE /api/schedules/{id}': async (on) => {
    const id = await addSchedule(on);
    return { path: `/api/schedules/${id}`, target: id };
  },
  'POST /api/schedules/{id}/run': async (on) => {
    const id = await addSchedule(on);
    return { path: `/api/schedules/${id}/run`, target: id };
  },
  'POST /api/customers': async () => ({
    path: '/api/customers',
    body: { name: 'A', email: `${uuidv7()}@a.example` },
    target: expect.any(String) as unknown as string,
  }),
  'PATCH /api/customers/{id}': async (on) => {
    const id = await addCustomer(on);
    return { path: `/api/customers/${id}`, body: { is_active: false }, target: id };
  },
  'DELETE /api/customers/{id}': async (on) => {
    const id = await addCustomer(on);
    return { path: `/api/customers/${id}`, target: id };
  },
  'POST /api/orders': async (on) => ({
    path: '/api/orders',
    body: { customer_id: await addCustomer(on), items: ITEMS },
    target: expect.any(String) as unknown as string,
  }),
  'POST /api/dev/seed': async () => ({
    path: '/api/dev/seed',
    body: { customers: 1, seed: 3 },
    detail: { customers: 1, seed: 3 },
  }),
  'PATCH /api/orders/{id}': async (on) => {
    const id = await addOrder(on);
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
  'POST /api/journal/entries/{number}/reverse': async (on) => {
    const { number } = (await send(on.daybook, 'POST', '/api/journal/entries', { body: ADJUSTMENT })).json as {
      number: number;
    };
    const path = `/api/journal/entries/${number}/reverse`;
    return { path, body: { memo: 'Twice' }, target: String(number), detail: { memo: 'Twice' } };
  },
  'POST /api/periods/{period}/close': async () => ({ path: '/api/periods/2026-03/close', target: '2026-03' }),
  'POST /api/periods/{period}/reopen': async () => ({ path: '/api/periods/2026-03/reopen', target: '2026-03' }),
  'POST /api/mail/{id}/retry': async (on) => {
    const id = await addKeptMail(on.daybook);
    return { path: `/api/mail/${id}/retry`, target: id };
  },
  'PUT /admin/queues/api/queues/{queue}/pause': async () => ({ path: `${BOARD}/mail/pause`, target: 'mail' }),
  'PUT /admin/queues/api/queues/{queue}/resume': async () => ({ path: `${BOARD}/mail/resume`, target: 'mail' }),
  'PUT /admin/queues/api/queues/pause': async () => ({ path: `${BOARD}/pause` }),
  'PUT /admin/queues/api/queues/resume': async () => ({ path: `${BOARD}/resume` }),
  'PUT /admin/queues/api/queues/{queue}/{job}/retry': async (on) => {
    const job = await addKeptMail(on.daybook);
    return { path: `${BOARD}/mail/${job}/retry`, target: 'mail', detail: { job } };
  },
  'PUT /admin/queues/api/queues/{queue}/retry/{status}': async (on) => {
    await addKeptMail(on.daybook);
    return { path: `${BOARD}/mail/retry/failed`, target: 'mail', detail: { count: expect.any(Number) } };
  },
  'POST /api/auth/register': async () => ({
    path: '/api/auth/register',
    body: { name: 'Ada', email: `${uuidv7()}@users.example`, password: PASSWORD, role: 'customer' },
    target: expect.any(String) as unknown as string,
    detail: { role: 'customer' },
    actor: { kind: 'user', id: expect.any(String) as unknown as string, name: 'Ada' },
  }),
  'POST /api/auth/login': async (on) => {
    const { id, email } = await registerUser(on.daybook, 'customer');
    return { path: '/api/auth/login', body: { email, password: PASSWORD }, target: id, actor: userActor(id) };
  },
  'POST /api/auth/refresh': async (on) => {
    const { id, refreshToken } = await registerUser(on.daybook, 'customer');
    return { path: '/api/auth/refresh', body: { refresh_token: refreshToken }, target: id, actor: userActor(id) };
  },
  'POST /api/auth/logout': async (on) => {
    const { id, headers } = await registerUser(on.daybook, 'customer');
    return { path: '/api/auth/logout', headers, actor: userActor(id) };
  },
  'POST /api/auth/password': async (on) => {
    const { id, headers } = await registerUser(on.daybook, 'customer');
    return {
      path: '/api/auth/password',
      body: { current: PASSWORD, new: 'new-passw0rd' },
      headers,
      actor: userActor(id),
    };
  },
  'POST /api/auth/reset': async () => ({ path: '/api/auth/reset', body: { email: 'none@users.example' } }),
  'POST /api/auth/reset/confirm': async (on) => {
    const { id } = await registerUser(on.daybook, 'customer');
    const token = `dbp_${uuidv7()}`;
    const insert = `INSERT INTO password_resets VALUES ($1, $2, now() + interval '1 hour')`;
    await sql(on.daybook, insert, [id, hash('sha256', token)]);
    return { path: '/api/auth/reset/confirm', body: { token, new: 'new-passw0rd' }, target: id };
  },
  'POST /api/session': async (on) => {
    const { id, email } = await registerUser(on.daybook, 'customer');
    return { path: '/api/session', body: { email, password: PASSWORD }, actor: userActor(id) };
  },
  'DELETE /api/session': async () => ({ path: '/api/session' }),
  'POST /api/events': async (on) => {
    const { id, headers } = await registerUser(on.daybook, 'organizer');
    const target = expect.any(String) as unknown as string;
    return { path: '/api/events', body: EVENT, headers, target, detail: { title: 'Jazz' }, actor: userActor(id) };
  },
  'PUT /api/events/{id}': async (on) => ownEvent(on, { title: 'Blues' }),
  'PATCH /api/events/{id}': async (on) => ownEvent(on, { title: 'Blues' }),
  'DELETE /api/events/{id}': async (on) => ownEvent(on),
  'POST /api/bookings': async (on) => {
    const { id, headers } = await registerUser(on.daybook, 'customer');
    const body = { event_id: (await addEvent(on)).event, num_tickets: 2 };
    const target = expect.any(String) as unknown as string;
    return { path: '/api/bookings', body, headers, target, detail: body, actor: userActor(id) };
  },
  'POST /api/bookings/{id}/cancel': async (on) => {
    const { id, headers } = await registerUser(on.daybook, 'customer');
    const body = { event_id: (await addEvent(on)).event, num_tickets: 2 };
    const booking = (await send(on.daybook, 'POST', '/api/bookings', { body, headers })).json.id as string;
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
  'POST /api/benchmark/runs/{id}/cancel': async (on) => {
    const id = (await get(on.daybook, '/api/benchmark/runs')).json.runs[0].id as string;
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
export const OPEN_ACTOR = { kind: 'open', id: null, name: null };
const RUN = { body: { num_requests: 2, concurrency: 1 }, detail: { num_requests: 2, concurrency: 1 } };
