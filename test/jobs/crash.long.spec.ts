import { describe, expect, it } from '@jest/globals';
import { post } from '../support/client.js';
import { startDaybook } from '../support/daybook.js';
import { createDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { getJson } from '../support/json.js';
import { expectFirstArrivalsInOrder, expectNoGaps, expectStrictOrder, laneHistory } from '../support/order-check.js';
import { startReceiver } from '../support/receiver.js';
import { redisUrl, startRedis } from '../support/redis.js';
import { sql, whileNothingFinishes } from '../support/sql.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';

const COUNT = 500;

/** Accepted requests run and are delivered in order, even if any process crashes. */
describe('kill -9', () => {
  it('of the only process with 500 pending requests: after the next start all complete in order and are delivered', async () => {
    const [database, receiver] = await Promise.all([createDatabase(), startReceiver()]);
    const env = { ...UNLIMITED, DATABASE_URL: database.url };
    const body = (index: number) => ({ num_transactions: 500, report_name: `R${index}`, callback_url: receiver.url });
    const first = await startDaybook({ env });
    const acknowledgements = await submitAsync(first.url, COUNT, body);
    first.kill('SIGKILL');
    await first.exited;
    expectNoGaps(acknowledgements);
    const left = (await laneHistory(database.url, 'default')).filter(({ status }) => status !== 'COMPLETED');
    expect(left.length).toBeGreaterThan(0);

    const next = await startDaybook({ env });
    await eventually(() => new Set(receiver.received.map(({ json }) => json.request_id)).size === COUNT, {
      timeoutMs: 60_000,
    });
    expectFirstArrivalsInOrder(receiver.received, COUNT);
    expectStrictOrder(await laneHistory(database.url, 'default'));
    expect(await getJson(`${next.url}/healthz`)).toMatchObject({ queue_depth: 0, workers: 1 });
    await database.drop();
  });

  it('of a busy worker: another one leases its lanes', async () => {
    const [database, redis, receiver] = await Promise.all([createDatabase(), redisUrl(), startReceiver()]);
    const env = { ...UNLIMITED, DATABASE_URL: database.url, REDIS_URL: redis };
    const api = await startDaybook({ role: 'api', env });
    const [victim] = await Promise.all([startDaybook({ role: 'worker', env }), startDaybook({ role: 'worker', env })]);
    await submitAsync(api.url, COUNT, (index) => ({
      num_transactions: 500,
      report_name: `R${index}`,
      callback_url: receiver.url,
    }));
    await eventually(() => receiver.received.length > 20);
    victim.kill('SIGKILL');
    await eventually(() => new Set(receiver.received.map(({ json }) => json.request_id)).size === COUNT, {
      timeoutMs: 60_000,
    });
    expectFirstArrivalsInOrder(receiver.received, COUNT);
    expectStrictOrder(await laneHistory(database.url, 'default'));
    await database.drop();
  });

  it('of a process with a sync request: another one completes the request, and its key refers to it', async () => {
    const database = await createDatabase();
    const env = { ...UNLIMITED, DATABASE_URL: database.url, REPORT_THREADS: '1' };
    const victim = await startDaybook({ env });
    const ask = (url: string): Promise<Response> =>
      fetch(`${url}/api/sync`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'sync-1' },
        body: JSON.stringify({ input_data: 'long', iterations: 1_000_000 }),
      });
    const cut = ask(victim.url).catch(() => 'cut');
    await eventually(async () => (await getJson(`${victim.url}/api/requests`)).requests.length === 1, { everyMs: 10 });
    victim.kill('SIGKILL');
    expect(await cut).toBe('cut');

    const next = await startDaybook({ env });
    const answer = await eventually(async () => {
      const response = await ask(next.url);
      return response.status === 200 && response;
    });
    expect(answer.headers.get('idempotency-replayed')).toBe('true');
    const { requests } = await getJson(`${next.url}/api/requests`);
    expect(requests).toHaveLength(1);
    await database.drop();
  });
});

describe('a process that stalled for longer than its lease', () => {
  it('does not answer a sync request with its own result, but with that of the worker that adopted the request', async () => {
    const daybook = await startDaybook({ env: UNLIMITED });
    const answer = await whileNothingFinishes(daybook, async () => {
      const waiting = post(daybook, '/api/sync', { num_transactions: 5 });
      await eventually(async () => (await getJson(`${daybook.url}/api/requests`)).requests.length === 1);
      const text = `UPDATE requests SET leased_by = 'another', lease_epoch = lease_epoch + 1, lease_until = 'infinity'`;
      await sql(daybook, text);
      return () => waiting;
    });
    const { status, headers, json } = await answer();
    expect({ status, json }).toMatchObject({ status: 202, json: { status: 'processing' } });
    expect(headers.get('location')).toBe(`/api/requests/${json.request_id}`);
    expect(await getJson(`${daybook.url}/api/requests/${json.request_id}`)).toMatchObject({ status: 'PROCESSING' });
  });
});

describe('Redis', () => {
  it('unreachable: requests are still accepted and run, and wake-ups resume after it recovers', async () => {
    const [database, redis, receiver] = await Promise.all([createDatabase(), startRedis(), startReceiver()]);
    const env = { ...UNLIMITED, DATABASE_URL: database.url, REDIS_URL: redis.url, SWEEP_INTERVAL: '500ms' };
    const api = await startDaybook({ role: 'api', env });
    await startDaybook({ role: 'worker', env });
    const body = () => ({ num_transactions: 5, callback_url: receiver.url });
    await submitAsync(api.url, 10, body, 2);
    await eventually(() => receiver.received.length === 10);
    await redis.kill();
    await submitAsync(api.url, 10, body, 2);
    await eventually(() => receiver.received.length === 20);
    await startRedis({ port: redis.port });
    await submitAsync(api.url, 10, body, 2);
    await eventually(() => receiver.received.length === 30);
    expectFirstArrivalsInOrder(receiver.received, 30);
    await database.drop();
  });
});
