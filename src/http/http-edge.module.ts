import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { ThrottlerModule, ThrottlerStorage } from '@nestjs/throttler';
import { RequestsModule } from '../requests/requests.module.js';
import { GcraStorage } from './gcra.storage.js';
import { IdempotencyInterceptor } from './idempotency.interceptor.js';
import { ProblemFilter } from './problem.filter.js';
import { RateLimitGuard } from './rate-limit.guard.js';
import { ValidationPipe } from './validation.js';

/** The edge of every controller: limits, idempotency keys, validation, problem details. */
@Module({
  imports: [
    RequestsModule,
    // One throttler for all: which limit a route is under is the guard's to say, by the route's own mark.
    ThrottlerModule.forRoot({ throttlers: [{ ttl: 1, limit: 1 }], storage: new GcraStorage() }),
  ],
  providers: [
    { provide: GcraStorage, useExisting: ThrottlerStorage },
    { provide: APP_GUARD, useClass: RateLimitGuard },
    { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
    { provide: APP_PIPE, useClass: ValidationPipe },
    { provide: APP_FILTER, useClass: ProblemFilter },
  ],
})
export class HttpEdgeModule {}
