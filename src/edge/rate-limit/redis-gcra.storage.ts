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
 * The arithmetic of {@link GcraStorage} by the clock of Redis, which all processes share, for a hit of each key, in one round
 * trip. A key is gone when its caller has its whole limit again, but not within a minute. The clock counts from 2023, because
 * the digits that a double has are better spent on microseconds than on 1970. Arguments: a clock in place of Redis' own or
 * nothing, then window and limit of each hit. Gives of each how far ahead the key is and how long to wait, in milliseconds.
 */
const HIT = `
  local time = redis.call('TIME')
  local now = tonumber(ARGV[1]) or (time[1] - 1.7e9) * 1e3 + time[2] / 1e3
  local told = {}
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
    table.insert(told, tostring(arrival - now))
    table.insert(told, tostring(wait))
  end
  return told`;

const REFUND = `
  local arrival = redis.call('GET', KEYS[1])
  if arrival then redis.call('SET', KEYS[1], string.format('%.17g', arrival - ARGV[1]), 'KEEPTTL') end`;

const PREFIX = 'daybook:limit:';
/** A hit that is to be counted. */
interface Asked {
  key: string;
  windowMs: number;
  limit: number;
}

/** Longest that Redis is waited for at a time, and only those of the first moment of an outage do. */
const PATIENCE_MS = 500;
/** How often a Redis that is away is tried again. */
const PROBE_MS = 1_000;
const RECONNECT_MAX_MS = 2_000;
const CONNECT_TIMEOUT_MS = 2_000;

/**
 * Quotas that all processes share, in Redis. While it cannot be used each process counts by itself: a caller may then
 * use up its limit once a process, and nobody is turned away or kept waiting because Redis is.
 */
export class RedisGcraStorage implements QuotaStorage, OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('RateLimits');
  private readonly logAway = logOnce(this.logger, 'Redis cannot be used; each process counts by itself meanwhile');
  private readonly redis: Redis;
  private readonly alone: GcraStorage;
  /**
   * Hits that come while others are asked about go together: under load a command each would cost more than all else of a
   * limit.
   */
  private readonly hits = new Batcher<Asked, Hit>((asked) => this.ask(asked));
  /** Set while Redis is away. */
  private probing: NodeJS.Timeout | undefined;

  /** @param nowMs A clock in place of Redis' own, for tests. */
  constructor(
    redisUrl: string,
    private readonly metrics: Metrics,
    private readonly nowMs?: () => number,
  ) {
    this.alone = new GcraStorage(nowMs);
    this.redis = new Redis(redisUrl, {
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      // For what is asked before the first hit: a Redis that takes the connection and says nothing would be waited for.
      commandTimeout: CONNECT_TIMEOUT_MS,
      // What cannot be asked at once is answered without Redis, so nothing waits for it to come back.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt) => Math.min(attempt * 100, RECONNECT_MAX_MS),
    });
    this.redis.defineCommand('gcraHit', { lua: HIT });
    this.redis.defineCommand('gcraRefund', { numberOfKeys: 1, lua: REFUND });
    this.redis.on('error', (error: Error) => this.goAlone(error));
    metrics.gauge(
      'daybook_rate_limit_shared',
      'Whether quotas are shared through Redis: 1, or 0 while it is away',
      () => (this.probing ? 0 : 1),
    );
  }

  async onModuleInit(): Promise<void> {
    await this.redis.connect().catch((error: Error) => this.goAlone(error));
  }

  async increment(key: string, ttl: number, limit: number): Promise<Hit> {
    if (!this.probing) {
      try {
        return await this.hits.submit({ key, windowMs: ttl, limit });
      } catch (error) {
        this.goAlone(error as Error);
      }
    }
    this.metrics.localRateLimits.inc();
    return this.alone.increment(key, ttl, limit);
  }

  refund(key: string, ttl: number, limit: number): void {
    if (this.probing) return this.alone.refund(key, ttl, limit);
    this.redis.gcraRefund(PREFIX + key, ttl / limit).catch((error: Error) => this.goAlone(error));
  }

  onApplicationShutdown(): void {
    this.redis.disconnect();
    clearInterval(this.probing);
  }

  private goAlone(error: Error): void {
    if (this.probing || this.redis.status === 'end') return;
    this.logAway(error);
    this.probing = setInterval(() => void this.probe(), PROBE_MS).unref();
  }

  private async ask(asked: Asked[]): Promise<Hit[]> {
    // Those that gathered while Redis fell silent do not wait for it too.
    if (this.probing) throw new Error('Redis is away');
    const keys = asked.map(({ key }) => PREFIX + key);
    const rates = asked.flatMap(({ windowMs, limit }) => [windowMs, limit]);
    const told = await this.run(keys, this.nowMs?.() ?? '', ...rates);
    return asked.map(({ windowMs, limit }, index) =>
      hitOf(limit, windowMs / limit, Number(told[2 * index]), Number(told[2 * index + 1])),
    );
  }

  private run(keys: string[], ...args: (string | number)[]): Promise<string[]> {
    return withTimeout(this.redis.gcraHit(keys.length, ...keys, ...args), PATIENCE_MS);
  }

  /** By a hit and not by a PING, which a Redis that is full or read-only answers too. */
  private async probe(): Promise<void> {
    const isBack = await this.run([`${PREFIX}probe`], '', 1, 1).then(
      () => true,
      () => false,
    );
    if (!isBack || !this.probing) return;
    clearInterval(this.probing);
    this.probing = undefined;
    this.logger.log('Redis is back; quotas are shared again');
  }
}
