import { type Receiver, startReceiver } from '../../../test/support/receiver.js';
import { eventually } from '../../../test/support/eventually.js';
import { sql } from '../../../test/support/sql.js';
import { type Daybook, call } from './service';

/** The password of the users of {@link addDemoData}, whose addresses are their roles. */
const PASSWORD = 'correct horse battery';

export const loginOf = (role: 'organizer' | 'customer') => ({ email: `${role}@users.example`, password: PASSWORD });

/** Ids of what a view shows alone. */
export interface DemoIds {
  event: string;
  pending: string;
  failed: string;
  schedule: string;
  /** The request of a statement. */
  statement: string;
}

/** Adds a few rows to every list, and a finished load test. The service must be allowed to call 127.0.0.1. */
export async function addDemoData(service: Daybook): Promise<DemoIds> {
  await call(service, 'POST', '/api/dev/seed', { customers: 10, orders_per_customer: 3 });
  const [ids, event] = [await addRequests(service), await addTickets(service)];
  const [schedule, statement] = [await addSchedule(service), await addStatement(service)];
  await runLoadTest(service);
  return { ...ids, event, schedule, statement };
}

/** Why a report failed. */
const REASON = 'The file is larger than the storage that the account has left (5 bytes, MAX_STORAGE_ACCOUNT).';

async function fail(service: Daybook, id: string): Promise<void> {
  await sql(service, `UPDATE requests SET status = 'FAILED', result_payload = NULL, error = $2 WHERE id = $1`, [
    id,
    REASON,
  ]);
}

/** @returns The id of a schedule whose last run failed. */
async function addSchedule(service: Daybook): Promise<string> {
  const body = {
    name: 'Monthly trial balance',
    report: 'trial-balance',
    period: 'previous_month',
    every: 'month',
    at: '06:00',
    lane: 'scheduled',
    callback_url: null,
  };
  const { id } = await call<{ id: string }>(service, 'POST', '/api/schedules', body);
  const { request_id } = await call<{ request_id: string }>(service, 'POST', `/api/schedules/${id}/run`);
  await eventually(async () => (await call(service, 'GET', `/api/requests/${request_id}`))['status'] === 'COMPLETED');
  await fail(service, request_id);
  return id;
}

async function addStatement(service: Daybook): Promise<string> {
  const payload = {
    ledger_account: 'assets:cash',
    from: '2020-01-01',
    to: new Date(Date.now() - 60_000).toISOString(),
  };
  const body = { report: 'account-statement', format: 'jsonl', payload };
  return (await call<{ request_id: string }>(service, 'POST', '/api/sync', body)).request_id;
}

async function addRequests(service: Daybook): Promise<{ pending: string; failed: string }> {
  const submit = async (lane: string, callback_url: string | null): Promise<string> => {
    const body = { report: 'transactions', payload: { num_transactions: 20 }, lane, callback_url };
    return (await call<{ request_id: string }>(service, 'POST', '/api/async', body)).request_id;
  };
  await call(service, 'POST', '/api/callbacks/simulate-failures', { enabled: false });
  for (const lane of ['default', 'monthly']) await submit(lane, `${service.url}/api/callbacks/receive`);
  await call(service, 'POST', '/api/sync', { report: 'digest', payload: { input_data: 'x' } });
  await call(service, 'POST', '/api/lanes/paused/pause');
  const pending = await submit('paused', null);
  return { pending, failed: await addFailed(service, await startReceiver(), submit) };
}

/** @returns A failed request whose callback was refused twice. */
async function addFailed(
  service: Daybook,
  receiver: Receiver,
  submit: (lane: string, callbackUrl: string) => Promise<string>,
): Promise<string> {
  receiver.answer({ status: 400, body: '{"error": "no such account"}' });
  const id = await submit('failing', receiver.url);
  const refused = (attempts: number): Promise<unknown> =>
    eventually(async () => {
      const request = await call(service, 'GET', `/api/requests/${id}`);
      return request['callback_status'] === 'FAILED' && request['callback_attempts'] === attempts;
    });
  await refused(1);
  await call(service, 'POST', `/api/requests/${id}/redeliver`);
  await refused(2);
  await fail(service, id);
  return id;
}

/** @returns The id of an event with a booking, and a cancelled one. */
async function addTickets(service: Daybook): Promise<string> {
  const register = async (role: 'organizer' | 'customer', name: string) => {
    const body = { name, ...loginOf(role), role };
    const { token } = await call<{ token: string }>(service, 'POST', '/api/auth/register', body);
    return { authorization: `Bearer ${token}` };
  };
  const [organizer, customer] = [await register('organizer', 'Ada'), await register('customer', 'Ben')];
  const event = {
    title: 'Concert',
    description: 'Music',
    date: '2099-01-01T20:00:00Z',
    location: 'Hall',
    total_tickets: 50,
    price_cents: 2_500,
  };
  const { id } = await call<{ id: string }>(service, 'POST', '/api/events', event, organizer);
  const book = async (num_tickets: number): Promise<string> => {
    const body = { event_id: id, num_tickets };
    return (await call<{ id: string }>(service, 'POST', '/api/bookings', body, customer)).id;
  };
  await call(service, 'POST', `/api/bookings/${await book(2)}/cancel`, undefined, customer);
  await book(3);
  return id;
}

async function runLoadTest(service: Daybook): Promise<void> {
  const body = { concurrency: 2, num_requests: 10 };
  const { id } = await call<{ id: string }>(service, 'POST', '/api/benchmark/runs', body);
  const isOver = async (): Promise<boolean> =>
    (await call(service, 'GET', `/api/benchmark/runs/${id}`))['status'] === 'COMPLETED';
  await eventually(isOver, { timeoutMs: 80_000 });
}
