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
import { GcraStorage, type QuotaStorage } from './gcra.storage.js';
import { RedisGcraStorage } from './redis-gcra.storage.js';

const WINDOW_MS = 60_000;
const LIMIT = 30;
const INTERVAL_MS = WINDOW_MS / LIMIT;

interface Clock {
  nowMs: number;
}

/** A storage on a clock that the test controls. */
function limiterOn<Storage extends QuotaStorage>(
  storage: Storage,
  clock: Clock,
  limit = LIMIT,
  windowMs = WINDOW_MS,
  prefix = '',
) {
  const hit = (key = 'me') => storage.increment(prefix + key, windowMs, limit);
  const passes = async (key = 'me'): Promise<boolean> => !(await hit(key)).isBlocked;
  /** Sends hits at the same time and returns how many pass. */
  const burst = async (hits: number): Promise<number> =>
    (await Promise.all(Array.from({ length: hits }, () => passes()))).filter(Boolean).length;
  const refund = () => storage.refund(`${prefix}me`, windowMs, limit);
  return { clock, storage, hit, passes, burst, refund };
}

function inMemory(limit?: number, windowMs?: number) {
  const clock = { nowMs: 1_000 };
  return limiterOn(new GcraStorage(() => clock.nowMs), clock, limit, windowMs);
}

/** One connection for the file. Every limiter resets its clock and uses keys of its own. */
const redis = { clock: { nowMs: 1_000 }, storage: undefined as unknown as RedisGcraStorage };
beforeAll(async () => {
  redis.storage = new RedisGcraStorage(await redisUrl(), new Metrics(), () => redis.clock.nowMs);
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
  it('allows the whole limit at once, and no more', async () => {
    expect(await limiter().burst(LIMIT + 10)).toBe(LIMIT);
  });

  it('then allows one every window/limit', async () => {
    const { clock, burst, passes } = limiter();
    await burst(LIMIT);
    for (let i = 0; i < 5; i++) {
      clock.nowMs += INTERVAL_MS - 1;
      expect(await passes()).toBe(false);
      clock.nowMs += 1;
      expect(await passes()).toBe(true);
      expect(await passes()).toBe(false);
    }
  });

  it('allows the whole limit again after an idle window, and no more after a longer one', async () => {
    const { clock, burst } = limiter();
    await burst(LIMIT);
    clock.nowMs += WINDOW_MS;
    expect(await burst(LIMIT + 1)).toBe(LIMIT);
    clock.nowMs += 100 * WINDOW_MS;
    expect(await burst(LIMIT + 1)).toBe(LIMIT);
  });

  it('does not charge rejected hits', async () => {
    const { clock, burst, passes } = limiter();
    await burst(LIMIT);
    for (let i = 0; i < 1_000; i++) expect(await passes()).toBe(false);
    clock.nowMs += INTERVAL_MS;
    expect(await passes()).toBe(true);
  });

  it('counts keys separately', async () => {
    const { burst, passes } = limiter();
    await burst(LIMIT + 1);
    expect(await passes('you')).toBe(true);
  });

  it('supports limits that do not divide the window', async () => {
    for (const limit of [1, 3, 7, 11, 600, 999_999]) {
      const { burst } = limiter(limit);
      expect(await burst(Math.min(limit + 1, 1_000))).toBe(Math.min(limit, 1_000));
    }
  });

  it('never allows more than limit + elapsed / interval', async () => {
    const waits = fc.array(fc.nat({ max: 3 * INTERVAL_MS }), { minLength: 1, maxLength: 200 });
    const rates = fc.record({
      limit: fc.integer({ min: 1, max: 40 }),
      windowMs: fc.integer({ min: 1_000, max: 90_000 }),
    });
    await fc.assert(
      fc.asyncProperty(waits, rates, async (waitsMs, { limit, windowMs }) => {
        const { clock, passes } = limiter(limit, windowMs);
        const passedAt: number[] = [];
        for (const waitMs of waitsMs) {
          clock.nowMs += waitMs;
          if (await passes()) passedAt.push(clock.nowMs);
        }
        for (const [index, from] of passedAt.entries()) {
          for (const [offset, at] of passedAt.slice(index).entries()) {
            expect(offset + 1).toBeLessThanOrEqual(limit + ((at - from) * limit) / windowMs + 1e-6);
          }
        }
      }),
    );
  });

  it('never rejects a caller under the rate', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 5_000 })), async (extraMs) => {
        const { clock, passes } = limiter();
        for (const waitMs of extraMs) {
          expect(await passes()).toBe(true);
          clock.nowMs += INTERVAL_MS + waitMs;
        }
      }),
    );
  });
});

describe.each([
  ['in memory', inMemory],
  ['in Redis', inRedis],
])('the record of a hit %s', (_, limiter) => {
  it('counts hits, and the seconds until the whole limit is available', async () => {
    const { clock, hit, burst } = limiter();
    expect(await hit()).toEqual({ totalHits: 1, timeToExpire: 2, isBlocked: false, timeToBlockExpire: 0 });
    expect(await hit()).toEqual({ totalHits: 2, timeToExpire: 4, isBlocked: false, timeToBlockExpire: 0 });
    clock.nowMs += 500;
    expect(await hit()).toMatchObject({ totalHits: 3, timeToExpire: 6 });
    await burst(LIMIT - 4);
    expect(await hit()).toMatchObject({ totalHits: LIMIT, timeToExpire: 60, isBlocked: false });
  });

  it('counts whole hits if the limit does not divide the window', async () => {
    for (const limit of [3, 7, 11, 13, 601]) {
      const { clock, hit } = limiter(limit);
      clock.nowMs = 86_400_000.123;
      for (let count = 1; count <= limit; count++) expect(await hit()).toMatchObject({ totalHits: count });
    }
  });

  it('gives a rejected caller the time after which it is allowed', async () => {
    const { clock, hit, burst, passes } = limiter();
    await burst(LIMIT);
    expect(await hit()).toEqual({ totalHits: LIMIT + 1, timeToExpire: 60, isBlocked: true, timeToBlockExpire: 2 });
    clock.nowMs += 1_500;
    const { timeToBlockExpire } = await hit();
    expect(timeToBlockExpire).toBe(1);
    clock.nowMs += timeToBlockExpire * 1_000;
    expect(await passes()).toBe(true);
  });

  it('gives a correct time for every limit', async () => {
    const rates = fc.tuple(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1_000, max: 604_800_000 }));
    await fc.assert(
      fc.asyncProperty(rates, fc.float({ min: 0, max: 1, noNaN: true }), async ([limit, windowMs], part) => {
        const { clock, hit, burst, passes } = limiter(limit, windowMs);
        await burst(limit);
        clock.nowMs += (part * windowMs) / limit / 2;
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
  it('returns one hit', async () => {
    const { refund, burst } = limiter();
    await burst(LIMIT);
    refund();
    expect(await burst(5)).toBe(1);
  });

  it('never exceeds the limit, and ignores unknown keys', async () => {
    const { clock, refund, burst, passes } = limiter();
    refund();
    await passes();
    clock.nowMs += WINDOW_MS;
    refund();
    expect(await burst(LIMIT + 5)).toBe(LIMIT);
  });
});

describe('the memory of GcraStorage', () => {
  const limiter = inMemory;
  const keysOf = (storage: GcraStorage): string[] => [...storage['arrivals'].keys()];

  it('is one number per key', async () => {
    const { storage, burst } = limiter();
    await burst(5_000);
    expect(keysOf(storage)).toEqual(['me']);
  });

  it('sweeps keys whose whole limit is available', async () => {
    const { clock, storage, passes } = limiter();
    for (let i = 0; i < 5_000; i++) await passes(`caller ${i}`);
    clock.nowMs += INTERVAL_MS;
    for (let i = 0; i < 5_000; i++) await passes(`other ${i}`);
    expect(keysOf(storage)).toHaveLength(5_000);
    expect(keysOf(storage)).not.toContain('caller 0');
  });

  it('keeps the other keys', async () => {
    const { storage, burst, passes } = limiter();
    await burst(LIMIT);
    for (let i = 0; i < 10_000; i++) await passes('another');
    expect(keysOf(storage)).toEqual(['me', 'another']);
    expect(await passes()).toBe(false);
  });

  it('is bounded: the oldest key is evicted', async () => {
    const { storage, passes } = limiter();
    for (let i = 0; i <= 100_000; i++) await passes(`caller ${i}`);
    expect([keysOf(storage).length, keysOf(storage)[0]]).toEqual([100_000, 'caller 1']);
  });
});

describe('a process whose event loop is blocked for longer than the command timeout', () => {
  it('still counts in Redis, because the answer has arrived meanwhile', async () => {
    const metrics = new Metrics();
    const storage = new RedisGcraStorage(await redisUrl(), metrics);
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
    const storage = new RedisGcraStorage(`redis://127.0.0.1:${port}`, new Metrics());
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

describe('the memory of RedisGcraStorage', () => {
  it('expires when the whole limit is available', async () => {
    const client = new Redis(await redisUrl());
    const storage = new RedisGcraStorage(await redisUrl(), new Metrics());
    await storage.onModuleInit();
    await storage.increment('me', 60_000, 30);
    const leftMs = await client.pttl('daybook:limit:me');
    expect([leftMs > 2_000, leftMs <= 60_000]).toEqual([true, true]);
    storage.onApplicationShutdown();
    client.disconnect();
  });
});
