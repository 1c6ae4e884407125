/**
 * The promise: when the whole has too much to do, requests are turned away at once, with 503 and a time to come back,
 * before anything is written for them; health answers all the while; and it ends by itself.
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
  const ask = (lane: string, headers?: Record<string, string>) =>
    post(daybook, '/api/async', { ...QUICK, lane, callback_url: null }, headers);
  const askBatch = (count: number) =>
    post(daybook, '/api/batch', { requests: Array.from({ length: count }, () => ({ ...QUICK, callback_url: null })) });

  beforeAll(async () => {
    daybook = await startDaybook({ env: { ...UNLIMITED, MAX_PENDING_TOTAL: String(TOTAL), SWEEP_INTERVAL: '100ms' } });
    for (const lane of ['a', 'b', 'default']) await holdLane(daybook, lane);
  });

  it('is a limit over all lanes; what is over it is not written, and sync work goes on', async () => {
    for (let n = 0; n < TOTAL - 2; n++) expect((await ask(n % 2 ? 'a' : 'b')).status).toBe(202);
    expectShed(await askBatch(3));
    // What was accepted while it was counted counts twice until the next count.
    await eventually(async () => expect((await askBatch(2)).status).toBe(202));
    expectShed(await ask('c', { 'Idempotency-Key': 'shed' }));
    expect(await sql(daybook, 'SELECT id FROM requests')).toHaveLength(TOTAL);
    expect(await sql(daybook, 'SELECT key FROM idempotency_keys')).toEqual([]);
    expect((await post(daybook, '/api/sync', QUICK)).status).toBe(200);
    await expectHealthy(daybook);
    expect((await get(daybook, '/metrics')).text).toMatch(/^daybook_shed_total\{reason="backlog"\} 2$/m);
  });

  it('holds over a restart, and what other processes accept counts', async () => {
    const other = await startDaybook({
      env: { ...UNLIMITED, MAX_PENDING_TOTAL: String(TOTAL), DATABASE_URL: daybook.databaseUrl },
    });
    await eventually(async () =>
      expectShed(await post(other, '/api/async', { ...QUICK, lane: 'c', callback_url: null })),
    );
    await other.stop();
  });

  it('lets in again what the lanes have made room for', async () => {
    expectShed(await ask('c'));
    for (const lane of ['a', 'b', 'default']) await letLaneGo(daybook, lane);
    await eventually(async () => expect((await ask('c')).status).toBe(202));
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

  it('turns requests away while the database hangs, without asking it', async () => {
    await locker.query('BEGIN; LOCK TABLE lanes');
    // Needs no database, so it does not wait with it until the wait is noticed.
    await eventually(async () => expectShed(await get(daybook, '/api/report-types')));
    expectShed(await post(daybook, '/api/sync', QUICK));
    expectShed(await get(daybook, '/api/requests'));
    await expectHealthy(daybook);
    await locker.query('ROLLBACK');
    await eventually(async () => expect((await post(daybook, '/api/sync', QUICK)).status).toBe(200));
  });
});

describe('MAX_EVENT_LOOP_LAG', () => {
  it('turns requests away while the process does not get to them', async () => {
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
