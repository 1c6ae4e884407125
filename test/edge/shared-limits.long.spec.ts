/**
 * API processes on one Redis share the limits exactly. An unavailable or hanging Redis neither delays nor rejects
 * requests. The address of a client is that of its connection, not one in a header. A limit of `off` limits nothing.
 */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { redisUrl, startRedis } from '../support/redis.js';
import type { RedisServer } from '../support/redis-server.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

/** One request every two minutes, so a used quota stays used during this file. */
const LIMIT = 100;
const LIMITS = { ...UNLIMITED, RATE_LIMIT_DEFAULT: `${LIMIT}/200m` };
const QUICK = { input_data: 'x', iterations: 1 };

const call = (daybook: Daybook, headers?: Record<string, string>) => get(daybook, '/api/report-types', headers);

async function passed(count: number, send: (index: number) => Promise<{ status: number }>): Promise<number> {
  const statuses = await Promise.all(Array.from({ length: count }, async (_, index) => (await send(index)).status));
  expect(statuses.filter((status) => status !== 200 && status !== 429)).toEqual([]);
  return statuses.filter((status) => status === 200).length;
}

async function metric(daybook: Daybook, name: string): Promise<number> {
  const { text } = await get(daybook, '/metrics');
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)![1]);
}

describe('two API processes on one Redis', () => {
  let pair: [Daybook, Daybook];
  beforeAll(async () => {
    const REDIS_URL = await redisUrl();
    const first = await startDaybook({ env: { ...LIMITS, REDIS_URL } });
    const second = await startDaybook({ role: 'api', env: { ...LIMITS, REDIS_URL, DATABASE_URL: first.databaseUrl } });
    pair = [first, second];
  });

  it('share one limit', async () => {
    expect(await passed(4 * LIMIT, (index) => call(pair[index % 2]!))).toBe(LIMIT);
    for (const daybook of pair) {
      const { headers } = await call(daybook);
      expect(headers.get('ratelimit')).toMatch(/^"default";r=0;t=\d+$/);
      expect(headers.get('ratelimit-policy')).toBe(`"default";q=${LIMIT};w=12000`);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await metric(daybook, 'daybook_rate_limit_fallback_total')).toBe(0);
    }
  });
});

describe('an unavailable Redis', () => {
  let redis: RedisServer;
  let daybook: Daybook;
  beforeAll(async () => {
    redis = await startRedis();
    daybook = await startDaybook({ env: { ...LIMITS, REDIS_URL: redis.url } });
  });

  const expectFallback = async (): Promise<void> => {
    await eventually(async () => {
      await call(daybook);
      expect(await metric(daybook, 'daybook_rate_limit_shared')).toBe(0);
    });
    expect(await metric(daybook, 'daybook_rate_limit_fallback_total')).toBeGreaterThan(0);
  };
  const untilShared = () => eventually(async () => (await metric(daybook, 'daybook_rate_limit_shared')) === 1);

  it('does not delay requests when it hangs', async () => {
    expect((await call(daybook)).status).toBe(200);
    redis.signal('SIGSTOP');
    await expectFallback();
    expect((await call(daybook)).status).toBe(200);
    redis.signal('SIGCONT');
    await untilShared();
  });

  it('makes each process count separately, is logged once, and is used again after it recovers', async () => {
    await redis.kill();
    await expectFallback();
    expect(await passed(2 * LIMIT, () => call(daybook))).toBeLessThanOrEqual(LIMIT);
    expectProblem(await call(daybook), 429);
    const warnings = daybook.output().match(/each process counts rate limits by itself/g);
    expect(warnings).toHaveLength(1);
    await startRedis({ port: redis.port });
    await untilShared();
    expect((await call(daybook)).status).toBe(200);
  });
});

describe('a caller', () => {
  const forwarded = (address: string) => ({ 'X-Forwarded-For': address, Forwarded: `for=${address}` });

  it('is identified by its connection; X-Forwarded-For is ignored by default', async () => {
    const daybook = await startDaybook({ env: LIMITS });
    expect(await passed(2 * LIMIT, (index) => call(daybook, forwarded(`198.51.100.${index}`)))).toBe(LIMIT);
  });

  it.each(['1', '127.0.0.0/8'])(
    'behind TRUST_PROXY=%s is identified by the address that the proxy adds, not by earlier ones',
    async (TRUST_PROXY) => {
      const daybook = await startDaybook({ env: { ...LIMITS, TRUST_PROXY } });
      const from = (address: string) => (index: number) => call(daybook, forwarded(`192.0.2.${index}, ${address}`));
      expect(await passed(LIMIT + 50, from('198.51.100.1'))).toBe(LIMIT);
      expect((await from('198.51.100.2')(1)).status).toBe(200);
      expect(await passed(LIMIT + 50, (index) => from(`2001:db8:1:2::${index.toString(16)}`)(index))).toBe(LIMIT);
      expect((await from('2001:db8:1:3::1')(1)).status).toBe(200);
    },
  );

  it('without quota still gets the responses of repeats, and nothing else', async () => {
    const daybook = await startDaybook({ env: { ...LIMITS, RATE_LIMIT_ASYNC: '1/7d' } });
    const body = { ...QUICK, callback_url: null };
    const key = { 'Idempotency-Key': randomUUID() };
    const first = await post(daybook, '/api/async', body, key);
    const repeat = await post(daybook, '/api/async', body, key);
    expect([first.status, repeat.status, repeat.text]).toEqual([202, 202, first.text]);
    expect(repeat.headers.get('idempotency-replayed')).toBe('true');
    // The repeat was refunded, so only the first request counts.
    for (const headers of [undefined, { 'Idempotency-Key': randomUUID() }])
      expectProblem(await post(daybook, '/api/async', body, headers), 429);
    expect((await post(daybook, '/api/async', body, key)).text).toBe(first.text);
    expect(await sql(daybook, 'SELECT id FROM requests')).toHaveLength(1);
    // The lookup of repeats has a limit too, because each one queries the database.
    const statuses = await Promise.all(
      Array.from({ length: LIMIT + 10 }, async () => (await post(daybook, '/api/async', body, key)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([202, 429]));
  });
});

it('RATE_LIMIT_BATCH=off lifts the limit of items', async () => {
  const daybook = await startDaybook({ env: { ...UNLIMITED, RATE_LIMIT_BATCH: 'off' } });
  const requests = Array.from({ length: 1_000 }, () => ({ ...QUICK, callback_url: null }));
  for (let n = 0; n < 2; n++) expect((await post(daybook, '/api/batch', { requests })).status).toBe(202);
});
