/**
 * A Redis that refuses connections or hangs has the same effect as one that is down. Work continues, and no secret is
 * printed.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from '@jest/globals';
import { get } from '../support/client.js';
import { startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { startRedisServer } from '../support/redis-server.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';

async function expectWorkGoesOn(REDIS_URL: string): Promise<void> {
  const daybook = await startDaybook({ env: { ...UNLIMITED, REDIS_URL, SWEEP_INTERVAL: '200ms' } });
  await submitAsync(daybook.url, 3, () => ({ num_transactions: 1, callback_url: null }), 1);
  await eventually(async () => (await get(daybook, '/api/requests?status=COMPLETED')).json.requests.length === 3);
  daybook.kill('SIGTERM');
  expect(await daybook.exited).toBe(0);
  expect(daybook.output()).not.toMatch(/wr0ng|^ {4}at /m);
}

it('with a wrong password', async () => {
  const redis = await startRedisServer({ password: 'right' });
  await expectWorkGoesOn(`redis://:wr0ng@127.0.0.1:${redis.port}`);
  await redis.stop();
});

it('that accepts the connection and never responds', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  await expectWorkGoesOn(`redis://:wr0ng@127.0.0.1:${(silent.address() as AddressInfo).port}`);
  silent.close();
});
