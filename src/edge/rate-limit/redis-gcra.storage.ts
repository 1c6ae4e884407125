import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Redis, type Result } from 'ioredis';
import { Batcher } from '../../platform/concurrency/batcher.js';
import { withTimeout } from '../../platform/concurrency/timeout.js';
import { logOnce } from '../../platform/observability/log-once.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import { GcraStorage, type Hit, type QuotaStorage, hitOf } from './gcra.storage.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    gcraHit(keyCount: number, ...args: (string | number)[]): Result<string[], Context>;
    gcraRefund(key: string, intervalMs: number): Result<null, Context>;
  }
}

/**
 * {@link GcraStorage} by the clock of Redis, which all processes share: one hit for each key, in one round trip. A key
 * expires when its whole limit is available, but not within a minute. Times count from 2023, which leaves a double enough
 * digits for microseconds. Arguments: a clock in place of Redis' own (or an empty string), then window and limit of each
 * hit. Returns for each hit the time until the theoretical arrival time and the time to wait, in milliseconds.
 */
const HIT = `
  local time = redis.call('TIME')
  local now = tonumber(ARGV[1]) or (time[1] - 1.7e9) * 1e3 + time[2] / 1e3
  local results = {}
  for i, key in ipairs(KEYS) do
    local window = tonumber(ARGV[2 * i])
    local interval = window / ARGV[2 * i + 1]
    local arrival = math.max(tonumber(redis.call('GET', key) or now), now) + interval
    local wait = arrival - now - window
    if wait > 0.001 then
      arrival = arrival - interval
    else
      wait = 0
      redis.call('SET', key, string.format('%.17g', arrival), 'PX', math.max(60000, math.ceil(arrival - now)))
    end
    table.insert(results, tostring(arrival - now))
    table.insert(results, tostring(wait))
  end
  return results`;

const REFUND = `
  local arrival = redis.call('GET', KEYS[1])
  if arrival then redis.call('SET', KEYS[1], string.format('%.17g', arrival - ARGV[1]), 'KEEPTTL') end`;

const PREFIX = 'daybook:limit:';

/** A hit to count. */
interface PendingHit {
  key: string;
  windowMs: number;
  limit: number;
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
export class RedisGcraStorage implements QuotaStorage, OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('RateLimits');
  private readonly logUnavailable = logOnce(
    this.logger,
    'Redis is unavailable; each process counts rate limits by itself',
  );
  private readonly redis: Redis;
  private readonly fallback: GcraStorage;
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
    this.fallback = new GcraStorage(nowMs);
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
    this.redis.defineCommand('gcraHit', { lua: HIT });
    this.redis.defineCommand('gcraRefund', { numberOfKeys: 1, lua: REFUND });
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

  async increment(key: string, ttl: number, limit: number): Promise<Hit> {
    if (!this.probing) {
      try {
        return await this.hits.submit({ key, windowMs: ttl, limit });
      } catch (error) {
        this.fallBack(error as Error);
      }
    }
    this.metrics.localRateLimits.inc();
    return this.fallback.increment(key, ttl, limit);
  }

  refund(key: string, ttl: number, limit: number): void {
    if (this.probing) return this.fallback.refund(key, ttl, limit);
    this.redis.gcraRefund(PREFIX + key, ttl / limit).catch((error: Error) => this.fallBack(error));
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
    const rates = hits.flatMap(({ windowMs, limit }) => [windowMs, limit]);
    const results = await this.run(keys, this.nowMs?.() ?? '', ...rates);
    return hits.map(({ windowMs, limit }, index) =>
      hitOf(limit, windowMs / limit, Number(results[2 * index]), Number(results[2 * index + 1])),
    );
  }

  private run(keys: string[], ...args: (string | number)[]): Promise<string[]> {
    return withTimeout(this.redis.gcraHit(keys.length, ...keys, ...args), COMMAND_TIMEOUT_MS);
  }

  /** Sends a hit and not PING, which a full or read-only Redis also answers. */
  private async probe(): Promise<void> {
    const isAvailable = await this.run([`${PREFIX}probe`], '', 1, 1).then(
      () => true,
      () => false,
    );
    if (!isAvailable || !this.probing) return;
    clearInterval(this.probing);
    this.probing = undefined;
    this.logger.log('Redis is available again; quotas are shared');
  }
}
