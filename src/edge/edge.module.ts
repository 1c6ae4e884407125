import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { ThrottlerModule } from '@nestjs/throttler';
import { AccountsModule } from '../accounts/accounts.module.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { Metrics } from '../platform/observability/metrics.js';
import { RequestsModule } from '../requests/requests.module.js';
import { AuthenticationGuard } from './guards/authentication.guard.js';
import { GcraStorage, type QuotaStorage } from './rate-limit/gcra.storage.js';
import { IdempotencyInterceptor } from './idempotency/idempotency.interceptor.js';
import { OverloadGuard } from './overload/overload.guard.js';
import { Overload } from './overload/overload.js';
import { ProblemFilter } from './problem/problem.filter.js';
import { RateLimitGuard } from './rate-limit/rate-limit.guard.js';
import { ValidationPipe } from '../http/validation.js';

/** Shared by all API processes where there is Redis. A worker answers nothing that is limited. */
async function storageFor({ REDIS_URL, ROLE }: Config, metrics: Metrics): Promise<QuotaStorage> {
  if (!REDIS_URL || ROLE === 'worker') return new GcraStorage();
  const { RedisGcraStorage } = await import('./rate-limit/redis-gcra.storage.js');
  return new RedisGcraStorage(REDIS_URL, metrics);
}

/** The edge of every controller: overload, API keys, limits, idempotency keys, validation, problem details. */
@Module({
  imports: [
    RequestsModule,
    JobsModule,
    AccountsModule,
    // One throttler for all: which limit a route is under is the guard's to say, by the route's own mark.
    ThrottlerModule.forRootAsync({
      inject: [CONFIG, Metrics],
      useFactory: async (config: Config, metrics: Metrics) => ({
        throttlers: [{ ttl: 1, limit: 1 }],
        storage: await storageFor(config, metrics),
      }),
    }),
  ],
  providers: [
    Overload,
    // In this order: who is turned away costs nothing, and limits are counted by the key.
    { provide: APP_GUARD, useClass: OverloadGuard },
    { provide: APP_GUARD, useClass: AuthenticationGuard },
    { provide: APP_GUARD, useClass: RateLimitGuard },
    { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
    { provide: APP_PIPE, useClass: ValidationPipe },
    { provide: APP_FILTER, useClass: ProblemFilter },
  ],
})
export class EdgeModule {}
