import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import {
  InjectThrottlerOptions,
  InjectThrottlerStorage,
  ThrottlerGuard,
  type ThrottlerModuleOptions,
} from '@nestjs/throttler';
import type { Request, Response } from 'express';
import { CONFIG, type Config, type RateLimit } from '../../platform/config/config.js';
import { LoadRuns, RUN_TOKEN_HEADER } from '../../benchmark/load-runs.js';
import { callerOf } from '../../http/caller.js';
import type { QuotaStorage } from './gcra.storage.js';
import { Idempotent, hasIdempotencyKey } from '../../http/idempotency-key.js';
import { QuotaExceeded, charge } from './quota.js';
import { AppliedRateLimit, type RateLimitName } from '../../http/rate-limit.decorators.js';

/** Limits per caller, by @nestjs/throttler's guard over a {@link QuotaStorage}. */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  private readonly limits: Record<RateLimitName, RateLimit | null>;

  constructor(
    // The order of the guard's own constructor: Nest inherits the marks of its parameters by their place.
    @InjectThrottlerOptions() options: ThrottlerModuleOptions,
    @InjectThrottlerStorage() private readonly storage: QuotaStorage,
    reflector: Reflector,
    @Inject(CONFIG) config: Pick<Config, 'RATE_LIMIT_SYNC' | 'RATE_LIMIT_ASYNC' | 'RATE_LIMIT_DEFAULT'>,
    private readonly loadRuns: LoadRuns,
  ) {
    super(options, storage, reflector);
    this.limits = {
      sync: config.RATE_LIMIT_SYNC,
      async: config.RATE_LIMIT_ASYNC,
      default: config.RATE_LIMIT_DEFAULT,
    };
  }

  private limitName(context: ExecutionContext): RateLimitName | null {
    const name = this.reflector.getAllAndOverride(AppliedRateLimit, [context.getHandler(), context.getClass()]);
    return name === undefined ? 'default' : name;
  }

  /** The load test that is under way measures the service, not the limits; its token is good for what it sends alone. */
  private async isOfLoadRun(name: RateLimitName, request: Request): Promise<boolean> {
    const token = name === 'default' ? undefined : request.header(RUN_TOKEN_HEADER);
    return token !== undefined && this.loadRuns.admits(token);
  }

  /**
   * Whether a request over its quota may still turn out to be a repeat, which costs none. Only the database knows, so
   * who is over the quota may ask as often as for anything else, and not more.
   */
  private async mayBeRepeat(context: ExecutionContext, request: Request, caller: string): Promise<boolean> {
    if (this.reflector.get(Idempotent, context.getHandler()) === undefined || !hasIdempotencyKey(request)) return false;
    const rate = this.limits.default;
    return !rate || !(await this.storage.increment(`repeat:${caller}`, rate.windowMs, rate.limit)).isBlocked;
  }

  /** Without the throttler's own marks on routes, which nothing here bears and which take longer to look up than this. */
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const name = this.limitName(context);
    const rate = name && this.limits[name];
    if (!rate) return true;
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    if (await this.isOfLoadRun(name, request)) return true;
    const caller = callerOf(request).id;
    const key = `${name}:${caller}`;
    const hit = await this.storage.increment(key, rate.windowMs, rate.limit);
    setQuotaHeaders(http.getResponse<Response>(), name, rate, hit);
    if (!hit.isBlocked) {
      charge(request, { refund: () => this.storage.refund(key, rate.windowMs, rate.limit) });
      return true;
    }
    const refusal = new QuotaExceeded(name, rate, hit.timeToBlockExpire);
    if (!(await this.mayBeRepeat(context, request, caller))) throw refusal;
    charge(request, { refusal });
    return true;
  }
}

/** draft-ietf-httpapi-ratelimit-headers-10: the policy, what is left of it, and in how many seconds it is whole again. */
function setQuotaHeaders(
  response: Response,
  name: string,
  { limit, windowMs }: RateLimit,
  hit: { totalHits: number; timeToExpire: number },
): void {
  const left = Math.max(0, limit - hit.totalHits);
  response.setHeader('RateLimit-Policy', `"${name}";q=${limit};w=${Math.ceil(windowMs / 1_000)}`);
  response.setHeader('RateLimit', `"${name}";r=${left};t=${hit.timeToExpire}`);
}
