import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Redis, type Result } from 'ioredis';
import { Batcher } from '../../platform/concurrency/batcher.js';
import { withTimeout } from '../../platform/concurrency/timeout.js';
import { logOnce } from '../../platform/observability/log-once.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import { type Hit, type QuotaStorage, hitOf } from './quota.storage.js';
import { SlidingWindowStorage } from './sliding-window.storage.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    slidingWindowHit(keyCount: number, ...args: (string | number)[]): Result<(string | number)[], Context>;
  }
}

/** Values that {@link HIT} returns for each key. */
const RESULT_LENGTH = 4;

/**
 * The window of {@link SlidingWindowStorage} by the clock of Redis, which all processes share: a list a key of the times of its
 * last hits, newest first, in microseconds. Counts the units of each key, all or none, in one round trip. A list expires when
 * its newest hit leaves the window. If the clock of Redis steps back, a key continues from its newest hit.
 *
 * Arguments: a clock in place of Redis' own (milliseconds) or an empty string, then window (milliseconds), limit and units of
 * each key.
 * Returns for each key: hits in the window, microseconds until one leaves it, microseconds to wait (-1: it was let in), its time.
 */
const HIT = `
  local time = redis.call('TIME')
  local clock = ARGV[1] ~= '' and ARGV[1] * 1000 or time[1] * 1000000 + time[2]
  local result = {}
  for i, key in ipairs(KEYS) do
    local window = ARGV[3 * i - 1] * 1000
    local limit = tonumber(ARGV[3 * i])
    local units = tonumber(ARGV[3 * i + 1])
    local now = math.max(clock, tonumber(redis.call('LINDEX', key, 0) or 0))
    local oldest = tonumber(redis.call('LINDEX', key, -1) or nil)
    while oldest and oldest <= now - window do
      redis.call('RPOP', key)
      oldest = tonumber(redis.call('LINDEX', key, -1) or nil)
    end
    local count = redis.call('LLEN', key)
    local at = string.format('%.0f', now)
    local wait = -1
    if count + units > limit then
      local last = tonumber(redis.call('LINDEX', key, limit - units))
      wait = last + window - now
      if count >= limit then oldest = last end
    else
      local times = {}
      for unit = 1, units do
        table.insert(times, at)
        if #times == 1000 or unit == units then
          count = redis.call('LPUSH', key, unpack(times))
          times = {}
        end
      end
      redis.call('PEXPIRE', key, math.ceil(window / 1000))
      oldest = oldest or now
    end
    table.insert(result, count)
    table.insert(result, string.format('%.0f', oldest + window - now))
    table.insert(result, string.format('%.0f', wait))
    table.insert(result, at)
  end
  return result`;

const PREFIX = 'daybook:limit:';

/** A hit to count. */
interface PendingHit {
  key: string;
  windowMs: number;
  limit: number;
  units: number;
}

/** Timeout of a command. After one timeout, further hits do not wait for Redis until it is back. */
const COMMAND_TIMEOUT_MS = 500;
/** Interval of probes while Redis is unavailable. */
const PROBE_MS = 1_000;
const RECONNECT_MAX_MS = 2_000;
const CONNECT_TIMEOUT_MS = 2_000;

/**
 * Quotas in Redis, which all API processes share. While Redis is unavailable, each process counts in memory: a caller may
 * then use its limit once per process, but no request fails or waits because of Redis.
 */
export class RedisSlidingWindowStorage implements QuotaStorage, OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('RateLimits');
  private readonly logUnavailable = logOnce(
    this.logger,
    'Redis is unavailable; each process counts rate limits by itself',
  );
  private readonly redis: Redis;
  private readonly fallback: SlidingWindowStorage;
  /** Hits that arrive during a round trip share the next one, because under load a command costs more than the hit. */
  private readonly hits = new Batcher<PendingHit, Hit>((hits) => this.countHits(hits));
  /** Set while Redis is unavailable. */
  private probing: NodeJS.Timeout | undefined;

  /** @param nowMs Replaces the clock of Redis in tests. */
  constructor(
    redisUrl: string,
    private readonly metrics: Metrics,
    private readonly nowMs?: () => number,
  ) {
    this.fallback = new SlidingWindowStorage(nowMs);
    this.redis = new Redis(redisUrl, {
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      // Covers the handshake: a server that accepts the connection and never answers must not delay the start.
      commandTimeout: CONNECT_TIMEOUT_MS,
      // A command that cannot be sent at once must fail, so that the hit is counted in memory.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt) => Math.min(attempt * 100, RECONNECT_MAX_MS),
    });
    this.redis.defineCommand('slidingWindowHit', { lua: HIT });
    this.redis.on('error', (error: Error) => this.fallBack(error));
    metrics.gauge(
      'daybook_rate_limit_shared',
      '1 while quotas are shared through Redis, 0 while Redis is unavailable',
      () => (this.probing ? 0 : 1),
    );
  }

  async onModuleInit(): Promise<void> {
    await this.redis.connect().catch((error: Error) => this.fallBack(error));
  }

  increment(key: string, ttl: number, limit: number): Promise<Hit> {
    return this.take(key, ttl, limit, 1);
  }

  async take(key: string, windowMs: number, limit: number, units: number): Promise<Hit> {
    if (!this.probing) {
      try {
        return await this.hits.submit({ key, windowMs, limit, units });
      } catch (error) {
        this.fallBack(error as Error);
      }
    }
    this.metrics.localRateLimits.inc();
    return this.fallback.take(key, windowMs, limit, units);
  }

  refund(key: string, hit: Hit): void {
    // A hit is refunded where it was counted.
    if (typeof hit.at === 'number') return this.fallback.refund(key, hit);
    if (!this.probing) this.redis.lrem(PREFIX + key, hit.units, hit.at).catch((error: Error) => this.fallBack(error));
  }

  onApplicationShutdown(): void {
    this.redis.disconnect();
    clearInterval(this.probing);
  }

  private fallBack(error: Error): void {
    if (this.probing || this.redis.status === 'end') return;
    this.logUnavailable(error);
    this.probing = setInterval(() => void this.probe(), PROBE_MS).unref();
  }

  private async countHits(hits: PendingHit[]): Promise<Hit[]> {
    // Hits that queued up during the timed-out command must not wait for another timeout.
    if (this.probing) throw new Error('Redis is unavailable');
    const keys = hits.map(({ key }) => PREFIX + key);
    const rates = hits.flatMap(({ windowMs, limit, units }) => [windowMs, limit, units]);
    const result = await this.run(keys, this.nowMs?.() ?? '', ...rates);
    return hits.map(({ limit, units }, index) => {
      const [count, nextFreeUs, waitUs, at] = result.slice(RESULT_LENGTH * index).map(Number) as [
        number,
        number,
        number,
        number,
      ];
      const waitMs = waitUs < 0 ? null : waitUs / 1_000;
      return hitOf({ limit, units, count, nextFreeMs: nextFreeUs / 1_000, waitMs, at: String(at) });
    });
  }

  private run(keys: string[], ...args: (string | number)[]): Promise<(string | number)[]> {
    return withTimeout(this.redis.slidingWindowHit(keys.length, ...keys, ...args), COMMAND_TIMEOUT_MS);
  }

  /** Sends a hit and not PING, which a full or read-only Redis also answers. */
  private async probe(): Promise<void> {
    const isAvailable = await this.run([`${PREFIX}probe`], '', 1, 1, 1).then(
      () => true,
      () => false,
    );
    if (!isAvailable || !this.probing) return;
    clearInterval(this.probing);
    this.probing = undefined;
    this.logger.log('Redis is available again; quotas are shared');
  }
}
