import type { ExecutionContext } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import type { ThrottlerModuleOptions, ThrottlerOptions } from '@nestjs/throttler';
import { AppliedRateLimit, type RateLimitName } from '../../http/rate-limit.decorators.js';
import type { Config } from '../../platform/config/config.js';
import type { RateLimit } from '../../platform/config/values.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import type { QuotaStorage } from './quota.storage.js';
import { SlidingWindowStorage } from './sliding-window.storage.js';

/** One named throttler for each rate limit. */
export async function throttlerOptions(
  config: Config,
  metrics: Metrics,
  reflector: Reflector,
): Promise<ThrottlerModuleOptions> {
  const { RATE_LIMIT_SYNC, RATE_LIMIT_ASYNC, RATE_LIMIT_LOGIN, RATE_LIMIT_DEFAULT } = config;
  const applies = (name: RateLimitName) => (context: ExecutionContext) =>
    reflector.getAllAndOverride(AppliedRateLimit, [context.getHandler(), context.getClass()]) === name;
  return {
    throttlers: [
      throttler('sync', RATE_LIMIT_SYNC, applies('sync')),
      throttler('async', RATE_LIMIT_ASYNC, applies('async')),
      throttler('login', RATE_LIMIT_LOGIN, applies('login')),
      throttler('reset', RATE_LIMIT_LOGIN, applies('reset')),
      // Applies to every route; @RateLimited and @Unlimited skip it.
      throttler('default', RATE_LIMIT_DEFAULT, () => true),
    ],
    storage: await storageFor(config, metrics),
  };
}

/** Without a rate (the setting is `off`), the throttler skips every request. */
function throttler(
  name: RateLimitName,
  rate: RateLimit | null,
  applies: (context: ExecutionContext) => boolean,
): ThrottlerOptions {
  if (!rate) return { name, limit: 0, ttl: 0, skipIf: () => true };
  return { name, limit: rate.limit, ttl: rate.windowMs, skipIf: (context) => !applies(context) };
}

/** With Redis, all API processes share the quotas. A worker serves no route with a limit, so it does not connect. */
async function storageFor({ REDIS_URL, ROLE }: Config, metrics: Metrics): Promise<QuotaStorage> {
  if (!REDIS_URL || ROLE === 'worker') return new SlidingWindowStorage();
  const { RedisSlidingWindowStorage } = await import('./redis-sliding-window.storage.js');
  return new RedisSlidingWindowStorage(REDIS_URL, metrics);
}
