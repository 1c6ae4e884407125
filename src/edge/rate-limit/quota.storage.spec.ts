import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { redisUrl } from '../../../test/support/redis.js';
import { withTimeout } from '../../platform/concurrency/timeout.js';
import { Metrics } from '../../platform/observability/metrics.js';
import type { Hit, QuotaStorage } from './quota.storage.js';
import { RedisSlidingWindowStorage } from './redis-sliding-window.storage.js';
import { SlidingWindowStorage } from './sliding-window.storage.js';

const WINDOW_MS = 60_000;
const LIMIT = 30;

interface Clock {
  nowMs: number;
}

/** A storage on a clock that the test moves, and a caller that is only asked for its figures. */
function limiterOn<Storage extends QuotaStorage>(
  storage: Storage,
  clock: Clock,
  limit = LIMIT,
  windowMs = WINDOW_MS,
  prefix = '',
) {
  const hit = (key = 'me') => storage.increment(prefix + key, windowMs, limit);
  const take = (units: number) => storage.take(`${prefix}me`, windowMs, limit, units);
  const passes = async (key = 'me'): Promise<boolean> => !(await hit(key)).isBlocked;
  /** Sends hits at the same time and returns how many pass. */
  const burst = async (hits: number): Promise<number> =>
    (await Promise.all(Array.from({ length: hits }, () => passes()))).filter(Boolean).length;
  const refund = (counted: Hit) => storage.refund(`${prefix}me`, counted);
  return { clock, storage, hit, take, passes, burst, refund };
}

function inMemory(limit?: number, windowMs?: number) {
  const clock = { nowMs: 1_000 };
  return limiterOn(new SlidingWindowStorage(() => clock.nowMs), clock, limit, windowMs);
}

/** One connection for the file; every limiter sets its clock back and counts under keys of its own. */
const redis = { clock: { nowMs: 1_000 }, storage: undefined as unknown as RedisSlidingWindowStorage };
beforeAll(async () => {
  redis.storage = new RedisSlidingWindowStorage(await redisUrl(), new Metrics(), () => redis.clock.nowMs);
  await redis.storage.onModuleInit();
});
afterAll(() => redis.storage.onApplicationShutdown());

function inRedis(limit?: number, windowMs?: number) {
  redis.clock.nowMs = 1_000;
  return limiterOn(redis.storage, redis.clock, limit, windowMs, randomUUID());
}

describe.each([
  ['in memory', inMemory],
  ['in Redis', inRedis],
])('quotas %s', (_, limiter) => {
  it('let the whole limit in at once and not one more', async () => {
    expect(await limiter().burst(LIMIT + 10)).toBe(LIMIT);
  });

  it('let the next one in when the oldest leaves the window, and not before', async () => {
    const { clock, passes } = limiter(3);
    for (let count = 0; count < 3; count++) {
      expect(await passes()).toBe(true);
      clock.nowMs += 1_000;
    }
    clock.nowMs += WINDOW_MS - 3_001;
    expect(await passes()).toBe(false);
    clock.nowMs += 1;
    expect([await passes(), await passes()]).toEqual([true, false]);
    clock.nowMs += 1_000;
    expect([await passes(), await passes()]).toEqual([true, false]);
  });

  it('let the whole limit in again after an idle window, and no more than that after a long one', async () => {
    const { clock, burst } = limiter();
    await burst(LIMIT);
    clock.nowMs += WINDOW_MS;
    expect(await burst(LIMIT + 1)).toBe(LIMIT);
    clock.nowMs += 100 * WINDOW_MS;
    expect(await burst(LIMIT + 1)).toBe(LIMIT);
  });

  it('do not count refused requests', async () => {
    const { clock, burst, passes } = limiter();
    await burst(LIMIT);
    for (let i = 0; i < 1_000; i++) expect(await passes()).toBe(false);
    clock.nowMs += WINDOW_MS;
    expect(await burst(LIMIT + 1)).toBe(LIMIT);
  });

  it('count every key by itself', async () => {
    const { burst, passes } = limiter();
    await burst(LIMIT + 1);
    expect(await passes('you')).toBe(true);
  });

  it('hold for small and large limits', async () => {
    for (const limit of [1, 3, 7, 600, 999_999]) {
      const { burst } = limiter(limit);
      expect(await burst(Math.min(limit + 1, 1_000))).toBe(Math.min(limit, 1_000));
    }
  });

  it('count several units at once, all or none, and refund exactly those', async () => {
    const { clock, take, refund } = limiter(10);
    expect((await take(6)).isBlocked).toBe(false);
    clock.nowMs += 1_000;
    const second = await take(3);
    expect(second).toMatchObject({ isBlocked: false, totalHits: 9, timeToExpire: 59 });
    clock.nowMs += 1_000;
    // The first six leave in 58 s, the next three in 59 s.
    expect(await take(2)).toMatchObject({ isBlocked: true, totalHits: 9, timeToBlockExpire: 58 });
    expect(await take(8)).toMatchObject({ isBlocked: true, totalHits: 9, timeToBlockExpire: 59 });
    expect(await take(10)).toMatchObject({ isBlocked: true, timeToBlockExpire: 59 });
    const last = await take(1);
    expect(last).toMatchObject({ isBlocked: false, totalHits: 10 });
    expect(await take(1)).toMatchObject({ isBlocked: true, totalHits: 11 });
    refund(second);
    expect(await take(4)).toMatchObject({ isBlocked: true });
    expect(await take(3)).toMatchObject({ isBlocked: false, totalHits: 10 });
    clock.nowMs += WINDOW_MS - 2_000;
    expect(await take(7)).toMatchObject({ isBlocked: true });
    expect(await take(6)).toMatchObject({ isBlocked: false });
  });

  it('count many units at once', async () => {
    const { clock, take } = limiter(5_000);
    expect((await take(2_500)).isBlocked).toBe(false);
    expect((await take(2_501)).isBlocked).toBe(true);
    expect((await take(2_500)).isBlocked).toBe(false);
    clock.nowMs += WINDOW_MS;
    expect((await take(5_000)).isBlocked).toBe(false);
  });

  it('let in at most N in any window, and refuse only when N are in it: random arrivals, units, limits and refunds', async () => {
    const arrivals = fc.array(
      fc.record({
        waitMs: fc.nat({ max: 6_000 }),
        units: fc.oneof(fc.constant(1), fc.nat({ max: 50 })),
        isRefunded: fc.boolean(),
      }),
      {
        minLength: 1,
        maxLength: 200,
      },
    );
    const rates = fc.record({
      limit: fc.integer({ min: 1, max: 40 }),
      windowMs: fc.integer({ min: 1_000, max: 90_000 }),
    });
    await fc.assert(
      fc.asyncProperty(arrivals, rates, async (hits, { limit, windowMs }) => {
        const { clock, take, refund } = limiter(limit, windowMs);
        const countedAt: number[] = [];
        for (const { waitMs, isRefunded, ...drawn } of hits) {
          clock.nowMs += waitMs;
          const units = 1 + (drawn.units % limit);
          const inWindow = countedAt.filter((at) => at > clock.nowMs - windowMs).length;
          const result = await take(units);
          expect(result.isBlocked).toBe(inWindow + units > limit);
          if (result.isBlocked) continue;
          if (isRefunded && waitMs % 3 === 0) refund(result);
          else for (let unit = 0; unit < units; unit++) countedAt.push(clock.nowMs);
        }
      }),
    );
  });
});

describe.each([
  ['in memory', inMemory],
  ['in Redis', inRedis],
])('the figures %s', (_, limiter) => {
  it('count the hits up to the limit, and say in how many seconds the oldest leaves the window', async () => {
    const { clock, hit, burst } = limiter();
    expect(await hit()).toMatchObject({ totalHits: 1, timeToExpire: 60, isBlocked: false, timeToBlockExpire: 0 });
    clock.nowMs += 2_500;
    expect(await hit()).toMatchObject({ totalHits: 2, timeToExpire: 58, isBlocked: false, timeToBlockExpire: 0 });
    await burst(LIMIT - 3);
    expect(await hit()).toMatchObject({ totalHits: LIMIT, timeToExpire: 58, isBlocked: false });
  });

  it('tell a refused caller when the next request is let in, to the second, and keep that word', async () => {
    const { clock, hit, burst, passes } = limiter();
    await burst(LIMIT);
    clock.nowMs += 1_500;
    const { totalHits, isBlocked, timeToBlockExpire } = await hit();
    expect({ totalHits, isBlocked, timeToBlockExpire }).toEqual({
      totalHits: LIMIT + 1,
      isBlocked: true,
      timeToBlockExpire: 59,
    });
    clock.nowMs += 58_000;
    expect(await passes()).toBe(false);
    clock.nowMs += 1_000;
    expect(await passes()).toBe(true);
  });

  it('keep that word for every limit and whenever the request comes', async () => {
    const rates = fc.tuple(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1_000, max: 604_800_000 }));
    await fc.assert(
      fc.asyncProperty(rates, fc.float({ min: 0, max: 1, noNaN: true }), async ([limit, windowMs], part) => {
        const { clock, hit, burst, passes } = limiter(limit, windowMs);
        await burst(limit);
        clock.nowMs += (part * windowMs) / 2;
        const { isBlocked, timeToBlockExpire } = await hit();
        expect([isBlocked, timeToBlockExpire >= 1]).toEqual([true, true]);
        clock.nowMs += timeToBlockExpire * 1_000;
        expect(await passes()).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

describe.each([
  ['in memory', inMemory],
  ['in Redis', inRedis],
])('a refund %s', (_, limiter) => {
  it('takes back its own hit and no other', async () => {
    const { clock, refund, hit, passes } = limiter(2);
    await passes();
    clock.nowMs += 10_000;
    const second = await hit();
    clock.nowMs += 10_000;
    refund(second);
    expect([await passes(), await passes()]).toEqual([true, false]);
    // The first one is still counted until its own time is up; then only the third is.
    clock.nowMs += WINDOW_MS - 20_001;
    expect(await passes()).toBe(false);
    clock.nowMs += 1;
    expect([await passes(), await passes()]).toEqual([true, false]);
  });

  it('gives no caller more than the limit, and an unknown key nothing', async () => {
    const { clock, refund, burst, hit } = limiter();
    const early = await hit();
    clock.nowMs += WINDOW_MS;
    refund(early);
    refund(early);
    expect(await burst(LIMIT + 5)).toBe(LIMIT);
  });
});

describe('the memory of SlidingWindowStorage', () => {
  const SLOTS = 10_000;
  const increment = (storage: SlidingWindowStorage, caller: number, limit: number) =>
    storage.increment(`caller ${caller}`, WINDOW_MS, limit);

  it('is bounded: beyond it the caller that was idle longest is forgotten', async () => {
    const storage = new SlidingWindowStorage(undefined, SLOTS);
    for (let caller = 0; caller < 1_000; caller++) await increment(storage, caller, 1);
    expect(storage.size).toBeLessThan(300);
    expect(storage.size).toBeGreaterThan(200);
    expect(await increment(storage, 999, 1)).toMatchObject({ isBlocked: true });
    expect(await increment(storage, 0, 1)).toMatchObject({ isBlocked: false });
  });

  it('is bounded by hits too, not only by callers', async () => {
    const storage = new SlidingWindowStorage(undefined, SLOTS);
    for (let caller = 0; caller < 50; caller++) {
      for (let i = 0; i < 1_000; i++) await increment(storage, caller, 1_000_000);
    }
    expect(storage.size).toBeLessThan(10);
  });
});

describe('a process whose event loop is blocked for longer than the command timeout', () => {
  it('still counts in Redis, because the answer has arrived meanwhile', async () => {
    const metrics = new Metrics();
    const storage = new RedisSlidingWindowStorage(await redisUrl(), metrics);
    await storage.onModuleInit();
    const hit = storage.increment(randomUUID(), WINDOW_MS, 1);
    await setImmediate();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
    expect((await hit).isBlocked).toBe(false);
    expect(await metrics.registry.getSingleMetricAsString('daybook_rate_limit_fallback_total')).toMatch(/ 0$/);
    storage.onApplicationShutdown();
  });
});

describe('a Redis that accepts the connection and never answers', () => {
  it('does not delay the start; the process counts in memory', async () => {
    const silent = createServer();
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const storage = new RedisSlidingWindowStorage(`redis://127.0.0.1:${port}`, new Metrics());
    try {
      await withTimeout(storage.onModuleInit(), 8_000);
      expect((await storage.increment('me', WINDOW_MS, 1)).isBlocked).toBe(false);
      expect((await storage.increment('me', WINDOW_MS, 1)).isBlocked).toBe(true);
    } finally {
      storage.onApplicationShutdown();
      silent.close();
    }
  }, 10_000);
});

describe('the memory of RedisSlidingWindowStorage', () => {
  it('holds at most the limit of hits, and expires with the newest', async () => {
    const client = new Redis(await redisUrl());
    const storage = new RedisSlidingWindowStorage(await redisUrl(), new Metrics());
    await storage.onModuleInit();
    const key = randomUUID();
    await Promise.all(Array.from({ length: 100 }, () => storage.increment(key, 60_000, 30)));
    expect(await client.llen(`daybook:limit:${key}`)).toBe(30);
    const leftMs = await client.pttl(`daybook:limit:${key}`);
    expect([leftMs > 55_000, leftMs <= 60_000]).toEqual([true, true]);
    storage.onApplicationShutdown();
    client.disconnect();
  });
});
