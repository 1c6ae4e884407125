import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { get, post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { createDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { expectStrictOrder, laneHistory } from '../support/order-check.js';
import { sql, whileNothingFinishes } from '../support/sql.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';

const COUNT = 10;
/** Iterations: short reports are made in one go, and then none may be left to be given back. */
const NOT_SHORT = 200_000;

let env: Record<string, string>;
let daybook: Daybook;

beforeEach(async () => {
  const { url } = await createDatabase();
  env = { ...UNLIMITED, DATABASE_URL: url, REPORT_THREADS: '1', LOG_LEVEL: 'log', SWEEP_INTERVAL: '200ms' };
});

/** A service in the middle of its work: it cannot finish the first of ten requests before `work` is done. */
async function whileBusy(settings: Record<string, string>, work: () => Promise<unknown>): Promise<void> {
  daybook = await startDaybook({ env: { ...env, ...settings } });
  await whileNothingFinishes(daybook, async () => {
    await submitAsync(
      daybook.url,
      COUNT,
      (index) => ({ input_data: `${index}`, iterations: NOT_SHORT, callback_url: null }),
      1,
    );
    await eventually(async () => (await statuses())[0] === 'PROCESSING');
    await work();
  });
}

async function statuses(): Promise<string[]> {
  return (await laneHistory(daybook.databaseUrl!, 'default')).map(({ status }) => status);
}

const terminate = async (): Promise<void> => {
  daybook.kill('SIGTERM');
  await eventually(() => daybook.output().includes('SIGTERM: finishing the work in progress'));
};

/** The next process makes all that the one before has left, in order. */
async function expectNothingLost(): Promise<void> {
  await startDaybook({ env });
  await eventually(async () => (await statuses()).every((status) => status === 'COMPLETED'));
  const history = await laneHistory(daybook.databaseUrl!, 'default');
  expect(history).toHaveLength(COUNT);
  expectStrictOrder(history);
}

/** The promise: a process that is told to stop ends in time, and nothing it had accepted is lost. */
describe('SIGTERM', () => {
  it('finishes what is in hand and answers who waits for it, gives back the rest, and ends with 0', async () => {
    let waiting: Promise<unknown> = Promise.resolve();
    await whileBusy({}, async () => {
      waiting = post(daybook, '/api/sync', { input_data: 'waits', iterations: 1 });
      await eventually(async () => (await get(daybook, '/api/requests?mode=sync')).json.requests.length === 1);
      await terminate();
      expect((await get(daybook, '/readyz')).status).toBe(503);
      expect((await get(daybook, '/healthz')).status).toBe(200);
    });
    expect(await daybook.exited).toBe(0);
    expect(await waiting).toMatchObject({ status: 200, json: { status: 'completed' } });

    const left = await statuses();
    expect(left[0]).toBe('COMPLETED');
    expect(left.filter((status) => status === 'PENDING').length).toBeGreaterThan(0);
    expect(left).not.toContain('PROCESSING');
    const [lane] = await sql(daybook, `SELECT leased_by, lease_until FROM lanes WHERE name = 'default'`);
    expect(lane).toEqual({ leased_by: null, lease_until: null });
    await expectNothingLost();
  });

  it('ends with 0 after SHUTDOWN_TIMEOUT, finished or not', async () => {
    await whileBusy({ SHUTDOWN_TIMEOUT: '300ms' }, async () => {
      await terminate();
      expect(await daybook.exited).toBe(0);
    });
    expect(daybook.output()).toContain('SHUTDOWN_TIMEOUT is over');
    expect(await statuses()).not.toContain('COMPLETED');
    await expectNothingLost();
  });

  it('a second time ends the process at once, but not within a second: Ctrl-C may arrive twice', async () => {
    await whileBusy({}, async () => {
      await terminate();
      daybook.kill('SIGINT');
      await sleep(300);
      expect((await get(daybook, '/healthz')).status).toBe(200);
      await sleep(1_000);
      daybook.kill('SIGTERM');
      expect(await daybook.exited).toBe(130);
    });
    expect(daybook.output()).not.toContain('SHUTDOWN_TIMEOUT is over');
    expect(await statuses()).not.toContain('COMPLETED');
    await expectNothingLost();
  });
});
