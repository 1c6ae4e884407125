/**
 * An overloaded service rejects requests at once with 503 and `Retry-After`, before it writes anything; health
 * keeps answering; and the service recovers by itself.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { expectProblem, get, post, type Reply } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { type TestKey, createKey } from '../support/keys.js';
import { holdLane, sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

const QUICK = { input_data: 'x', iterations: 1 };
const TOTAL = 10;

function expectShed(reply: Reply): void {
  expectProblem(reply, 503);
  expect(reply.json.type).toBe('https://iana.org/assignments/http-problem-types#temporary-reduced-capacity');
  expect(reply.headers.get('retry-after')).toMatch(/^([1-9]|[1-5]\d|60)$/);
}

async function expectHealthy(daybook: Daybook): Promise<void> {
  for (const path of ['/healthz', '/metrics']) expect((await get(daybook, path)).status).toBe(200);
}

describe('MAX_PENDING_ACCOUNT', () => {
  const env = { ...UNLIMITED, AUTH: 'required', MAX_PENDING_ACCOUNT: String(TOTAL), SWEEP_INTERVAL: '100ms' };
  let daybook: Daybook;
  let hostile: TestKey;
  let other: TestKey;
  const call = ({ headers }: TestKey, lane: string, more: Record<string, string> = {}, at = daybook) =>
    post(at, '/api/async', { ...QUICK, lane, callback_url: null }, { ...headers, ...more });
  const callBatch = ({ headers }: TestKey, lane: string, count: number) => {
    const requests = Array.from({ length: count }, () => ({ ...QUICK, lane, callback_url: null }));
    return post(daybook, '/api/batch', { requests }, headers);
  };
  const pause = ({ headers }: TestKey, lane: string) => post(daybook, `/api/lanes/${lane}/pause`, undefined, headers);

  beforeAll(async () => {
    daybook = await startDaybook({ env });
    hostile = await createKey(daybook, ['reports:read', 'reports:write'], { account: 'hostile' });
    other = await createKey(daybook, ['reports:read', 'reports:write'], { account: 'other' });
    for (const lane of ['a', 'b', 'c']) expect((await pause(hostile, lane)).status).toBe(200);
  });

  it('limits the lanes of one account together, also when requests come at once', async () => {
    expect((await call(hostile, 'a', { 'Idempotency-Key': 'first' })).status).toBe(202);
    expectShed(await callBatch(hostile, 'b', TOTAL));
    const replies = await Promise.all(Array.from({ length: 4 * TOTAL }, (_, n) => call(hostile, 'abc'[n % 3]!)));
    expect(replies.filter(({ status }) => status === 202)).toHaveLength(TOTAL - 1);
    for (const reply of replies.filter(({ status }) => status !== 202)) expectShed(reply);
    expect(await sql(daybook, 'SELECT id FROM requests')).toHaveLength(TOTAL);
  });

  it('does not refuse requests of another account', async () => {
    const replies = await Promise.all(Array.from({ length: TOTAL / 2 }, (_, n) => call(other, `mine-${n % 2}`)));
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 202));
    expect((await callBatch(other, 'mine', TOTAL / 2)).status).toBe(202);
    const finished = `SELECT id FROM requests WHERE status = 'COMPLETED'`;
    await eventually(async () => expect(await sql(daybook, finished)).toHaveLength(TOTAL));
  });

  it('writes nothing for a refused request, and still answers sync requests and repeats', async () => {
    const refused = await call(hostile, 'c', { 'Idempotency-Key': 'shed' });
    expectShed(refused);
    expect(refused.json.detail).toBe(
      `The account may have ${TOTAL} unfinished requests, and has no room for this. Nothing was accepted.`,
    );
    expect(await sql(daybook, `SELECT key FROM idempotency_keys WHERE key = 'shed'`)).toEqual([]);
    expect((await post(daybook, '/api/sync', QUICK, hostile.headers)).status).toBe(200);
    const repeat = await call(hostile, 'a', { 'Idempotency-Key': 'first' });
    expect([repeat.status, repeat.headers.get('idempotency-replayed')]).toEqual([202, 'true']);
    await expectHealthy(daybook);
    expect((await get(daybook, '/metrics')).text).toMatch(/^daybook_shed_total\{reason="backlog"\} [1-9]\d*$/m);
  });

  it('counts the requests that other processes accepted, from the first request on', async () => {
    const second = await startDaybook({ env: { ...env, DATABASE_URL: daybook.databaseUrl } });
    expectShed(await call(hostile, 'c', {}, second));
    expect((await call(other, 'mine', {}, second)).status).toBe(202);
    await second.stop();
  });

  it('accepts requests again when the backlog has shrunk', async () => {
    expectShed(await call(hostile, 'c'));
    for (const lane of ['a', 'b', 'c']) await post(daybook, `/api/lanes/${lane}/resume`, undefined, hostile.headers);
    await eventually(async () => expect((await call(hostile, 'c')).status).toBe(202));
  });

  it('counts with AUTH=open as one account', async () => {
    const open = await startDaybook({ env: { ...env, AUTH: 'open', MAX_PENDING_ACCOUNT: '2' } });
    await holdLane(open, 'held');
    const send = () => post(open, '/api/async', { ...QUICK, lane: 'held', callback_url: null });
    expect([(await send()).status, (await send()).status, (await send()).status]).toEqual([202, 202, 503]);
  });

  it('shows the figures of load shedding only to callers with a key', async () => {
    const shed = async () => (await get(daybook, '/metrics')).text.match(/^daybook_shed_total.*$/gm);
    const before = await shed();
    for (let n = 0; n < 5; n++) expectProblem(await post(daybook, '/api/async', QUICK), 401);
    expect(await shed()).toEqual(before);
  });
});

describe('MAX_DATABASE_WAIT', () => {
  let daybook: Daybook;
  let locker: Client;
  beforeAll(async () => {
    daybook = await startDaybook({ env: { ...UNLIMITED, MAX_DATABASE_WAIT: '500ms' } });
    locker = new Client({ connectionString: daybook.databaseUrl! });
    await locker.connect();
  });
  afterAll(() => locker.end());

  it('rejects requests while the database hangs, without a query', async () => {
    await locker.query('BEGIN; LOCK TABLE lanes');
    // A route without a query, so the request itself does not hang.
    await eventually(async () => expectShed(await get(daybook, '/api/report-types')));
    expectShed(await post(daybook, '/api/sync', QUICK));
    expectShed(await get(daybook, '/api/requests'));
    await expectHealthy(daybook);
    await locker.query('ROLLBACK');
    await eventually(async () => expect((await post(daybook, '/api/sync', QUICK)).status).toBe(200));
  });
});

describe('MAX_EVENT_LOOP_LAG', () => {
  it('rejects requests while the event loop lags', async () => {
    const daybook = await startDaybook({ env: { ...UNLIMITED, MAX_EVENT_LOOP_LAG: '30ms' } });
    let isStarved = true;
    const starve = async (): Promise<void> => {
      while (isStarved) {
        daybook.kill('SIGSTOP');
        await sleep(250);
        daybook.kill('SIGCONT');
        await sleep(50);
      }
    };
    const starving = starve();
    await eventually(async () => expectShed(await get(daybook, '/api/requests')));
    await expectHealthy(daybook);
    isStarved = false;
    await starving;
    await eventually(async () => expect((await get(daybook, '/api/requests')).status).toBe(200));
  });
});
