/**
 * Promise: an overloaded service rejects requests at once with 503 and `Retry-After`, before it writes anything; health
 * keeps answering; and the service recovers by itself.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { expectProblem, get, post, type Reply } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { holdLane, letLaneGo, sql } from '../support/sql.js';
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

describe('MAX_PENDING_TOTAL', () => {
  let daybook: Daybook;
  const call = (lane: string, headers?: Record<string, string>) =>
    post(daybook, '/api/async', { ...QUICK, lane, callback_url: null }, headers);
  const askBatch = (count: number) =>
    post(daybook, '/api/batch', { requests: Array.from({ length: count }, () => ({ ...QUICK, callback_url: null })) });

  beforeAll(async () => {
    daybook = await startDaybook({ env: { ...UNLIMITED, MAX_PENDING_TOTAL: String(TOTAL), SWEEP_INTERVAL: '100ms' } });
    for (const lane of ['a', 'b', 'default']) await holdLane(daybook, lane);
  });

  it('limits all lanes together; requests over it write nothing, and sync requests still run', async () => {
    for (let n = 0; n < TOTAL - 2; n++) expect((await call(n % 2 ? 'a' : 'b')).status).toBe(202);
    expectShed(await askBatch(3));
    // A request that was accepted during the count is counted twice until the next one.
    await eventually(async () => expect((await askBatch(2)).status).toBe(202));
    expectShed(await call('c', { 'Idempotency-Key': 'shed' }));
    expect(await sql(daybook, 'SELECT id FROM requests')).toHaveLength(TOTAL);
    expect(await sql(daybook, 'SELECT key FROM idempotency_keys')).toEqual([]);
    expect((await post(daybook, '/api/sync', QUICK)).status).toBe(200);
    await expectHealthy(daybook);
    expect((await get(daybook, '/metrics')).text).toMatch(/^daybook_shed_total\{reason="backlog"\} 2$/m);
  });

  it('counts requests of other processes, also after a restart', async () => {
    const other = await startDaybook({
      env: { ...UNLIMITED, MAX_PENDING_TOTAL: String(TOTAL), DATABASE_URL: daybook.databaseUrl },
    });
    await eventually(async () =>
      expectShed(await post(other, '/api/async', { ...QUICK, lane: 'c', callback_url: null })),
    );
    await other.stop();
  });

  it('accepts requests again when the backlog has shrunk', async () => {
    expectShed(await call('c'));
    for (const lane of ['a', 'b', 'default']) await letLaneGo(daybook, lane);
    await eventually(async () => expect((await call('c')).status).toBe(202));
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
