import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, Reflector } from '@nestjs/core';
import { ThrottlerModule } from '@nestjs/throttler';
import { AccountsModule } from '../accounts/accounts.module.js';
import { UsersModule } from '../accounts/users/users.module.js';
import { CONFIG } from '../platform/config/config.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { Metrics } from '../platform/observability/metrics.js';
import { RequestsModule } from '../requests/requests.module.js';
import { AuthenticationGuard } from './guards/authentication.guard.js';
import { Credentials } from './guards/credentials.js';
import { ActionsInterceptor } from './actions/actions.interceptor.js';
import { RefusalBrake } from './guards/refusal-brake.js';
import { BodyInterceptor } from './body/body.interceptor.js';
import { BodyMemory } from './body/body-memory.js';
import { BodyReader } from './body/body-reader.js';
import { IdempotencyInterceptor } from './idempotency/idempotency.interceptor.js';
import { InterceptorChain } from './interceptor-chain.js';
import { OverloadGuard } from './overload/overload.guard.js';
import { OverloadService } from './overload/overload.service.js';
import { ProblemFilter } from './problem/problem.filter.js';
import { ChargesInterceptor } from './rate-limit/charges.interceptor.js';
import { Quotas } from './rate-limit/quotas.js';
import { RateLimitGuard } from './rate-limit/rate-limit.guard.js';
import { throttlerOptions } from './rate-limit/throttler-options.js';
import { ValidationPipe } from '../http/validation.js';

/** Runs around every controller: authentication, load shedding, rate limits, bodies, idempotency keys, the action log, validation, problem details. */
@Module({
  imports: [
    RequestsModule,
    JobsModule,
    AccountsModule,
    UsersModule,
    ThrottlerModule.forRootAsync({ inject: [CONFIG, Metrics, Reflector], useFactory: throttlerOptions }),
  ],
  providers: [
    Credentials,
    RefusalBrake,
    BodyMemory,
    BodyReader,
    OverloadService,
    Quotas,
    // Guards run in this order and see only headers. Rate limits count by API key, and the figures of load shedding and
    // quotas count authenticated callers only.
    { provide: APP_GUARD, useClass: AuthenticationGuard },
    { provide: APP_GUARD, useClass: OverloadGuard },
    { provide: APP_GUARD, useClass: RateLimitGuard },
    BodyInterceptor,
    ChargesInterceptor,
    IdempotencyInterceptor,
    ActionsInterceptor,
    { provide: APP_INTERCEPTOR, useClass: InterceptorChain },
    { provide: APP_PIPE, useClass: ValidationPipe },
    { provide: APP_FILTER, useClass: ProblemFilter },
  ],
})
export class EdgeModule {}
