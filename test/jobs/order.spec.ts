import { describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { createDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { expectNoGaps, expectReceivedInOrder, expectStrictOrder, laneHistory } from '../support/order-check.js';
import { startReceiver } from '../support/receiver.js';
import { redisUrl } from '../support/redis.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';

const COUNT = 1_000;

/** A lane runs its requests in order, without gaps, one at a time, whatever the number of workers. */
async function expectOrderKept(api: Daybook): Promise<void> {
  const receiver = await startReceiver();
  const watch = watchProcessing(api.databaseUrl!);
  const acknowledgements = await submitAsync(api.url, COUNT, (index) => ({
    num_transactions: 20,
    report_name: `Order ${index}`,
    callback_url: `${receiver.url}/done`,
  }));
  expectNoGaps(acknowledgements);
  await eventually(() => receiver.received.length >= COUNT, { timeoutMs: 60_000 });
  const { looks, mostAtOnce } = await watch.stop();
  expectReceivedInOrder(receiver.received, COUNT);
  expectStrictOrder(await laneHistory(api.databaseUrl!, 'default'));
  expect(looks).toBeGreaterThan(10);
  expect(mostAtOnce).toBe(1);
}

/** Polls the lane; returns the highest number of its requests that were in PROCESSING at the same time. */
function watchProcessing(databaseUrl: string): { stop(): Promise<{ looks: number; mostAtOnce: number }> } {
  let isStopped = false;
  const watching = (async () => {
    const client = new Client({ connectionString: databaseUrl });
    await client.connect();
    let looks = 0;
    let mostAtOnce = 0;
    while (!isStopped) {
      const { rows } = await client.query<{ n: number }>(
        `SELECT count(*)::integer AS n FROM requests WHERE lane = 'default' AND status = 'PROCESSING'`,
      );
      mostAtOnce = Math.max(mostAtOnce, rows[0]!.n);
      looks++;
    }
    await client.end();
    return { looks, mostAtOnce };
  })();
  return {
    stop: () => {
      isStopped = true;
      return watching;
    },
  };
}

describe('1,000 async requests from 32 connections', () => {
  it('run and are delivered in order by one process', async () => {
    await expectOrderKept(await startDaybook({ env: UNLIMITED }));
  });

  it('run and are delivered in order by an API and two workers over Bull', async () => {
    const [database, redis] = await Promise.all([createDatabase(), redisUrl()]);
    const env = { ...UNLIMITED, DATABASE_URL: database.url, REDIS_URL: redis };
    const [api] = await Promise.all([
      startDaybook({ role: 'api', env }),
      startDaybook({ role: 'worker', env }),
      startDaybook({ role: 'worker', env }),
    ]);
    await expectOrderKept(api);
    await database.drop();
  });
});

describe('lanes', () => {
  it('are independent: a long report in one delays no other', async () => {
    const daybook = await startDaybook({ env: { ...UNLIMITED, REPORT_THREADS: '2' } });
    const slow = { input_data: 'x', iterations: 1_000_000, callback_url: null, lane: 'slow' };
    await submitAsync(daybook.url, 10, () => slow, 1);
    await submitAsync(daybook.url, 5, () => ({ num_transactions: 1, callback_url: null, lane: 'quick' }), 1);
    await eventually(async () => {
      const quick = await laneHistory(daybook.databaseUrl!, 'quick');
      return quick.length === 5 && quick.every(({ status }) => status === 'COMPLETED');
    });
    const slowDone = (await laneHistory(daybook.databaseUrl!, 'slow')).filter(({ status }) => status === 'COMPLETED');
    expect(slowDone.length).toBeLessThan(10);
  });
});
