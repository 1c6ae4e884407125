import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import {
  InjectThrottlerOptions,
  InjectThrottlerStorage,
  ThrottlerGuard,
  type ThrottlerModuleOptions,
  type ThrottlerRequest,
} from '@nestjs/throttler';
import type { Request, Response } from 'express';
import { LoadRuns, RUN_TOKEN_HEADER } from '../../benchmark/load-runs.js';
import { callerOf } from '../../http/caller.js';
import { Idempotent, hasIdempotencyKey } from '../../http/idempotency-key.js';
import { AppliedRateLimit } from '../../http/rate-limit.decorators.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { RateLimit } from '../../platform/config/values.js';
import type { Hit, QuotaStorage } from './quota.storage.js';
import { QuotaExceeded, setCharge } from './quota.js';

/**
 * Applies the rate limits, per caller. A request over its quota fails with {@link QuotaExceeded}, unless it carries an
 * idempotency key: then the interceptor decides, because a repeat of an answered request costs nothing.
 */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  constructor(
    // Nest inherits the injection metadata of ThrottlerGuard's constructor by position, so these three come first.
    @InjectThrottlerOptions() options: ThrottlerModuleOptions,
    @InjectThrottlerStorage() private readonly storage: QuotaStorage,
    reflector: Reflector,
    @Inject(CONFIG) private readonly config: Pick<Config, 'RATE_LIMIT_DEFAULT'>,
    private readonly loadRuns: LoadRuns,
  ) {
    super(options, storage, reflector);
  }

  /** A running load test measures the service and not its limits. Its token exempts only the routes that it calls. */
  protected override async shouldSkip(context: ExecutionContext): Promise<boolean> {
    const token = context.switchToHttp().getRequest<Request>().header(RUN_TOKEN_HEADER);
    if (token === undefined) return false;
    const limit = this.reflector.getAllAndOverride(AppliedRateLimit, [context.getHandler(), context.getClass()]);
    return (limit === 'sync' || limit === 'async') && this.loadRuns.admits(token);
  }

  protected override async getTracker(request: Request): Promise<string> {
    return callerOf(request).id;
  }

  /** A limit is shared by all routes that it applies to, so the key does not name the route. */
  protected override generateKey(_context: ExecutionContext, tracker: string, name: string): string {
    return `${name}:${tracker}`;
  }

  protected override async handleRequest(throttled: ThrottlerRequest): Promise<boolean> {
    const { context, limit, ttl, throttler, getTracker, generateKey } = throttled;
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    const name = throttler.name!;
    const rate: RateLimit = { limit, windowMs: ttl };
    const caller = await getTracker(request, context);
    const key = generateKey(context, caller, name);
    const hit = await this.storage.increment(key, ttl, limit);
    setQuotaHeaders(http.getResponse<Response>(), name, rate, hit);
    if (!hit.isBlocked) {
      setCharge(request, { refund: () => this.storage.refund(key, hit) });
      return true;
    }
    const refusal = new QuotaExceeded(name, rate, hit.timeToBlockExpire);
    if (!(await this.mayBeRepeat(context, request, caller))) throw refusal;
    setCharge(request, { refusal });
    return true;
  }

  /**
   * Whether a request over its quota may be a repeat. Only the database can answer that, so these lookups have a limit
   * of their own: the same rate as the default limit.
   */
  private async mayBeRepeat(context: ExecutionContext, request: Request, caller: string): Promise<boolean> {
    if (this.reflector.get(Idempotent, context.getHandler()) === undefined || !hasIdempotencyKey(request)) return false;
    const rate = this.config.RATE_LIMIT_DEFAULT;
    return !rate || !(await this.storage.increment(`repeat:${caller}`, rate.windowMs, rate.limit)).isBlocked;
  }
}

/**
 * Sets the headers of draft-ietf-httpapi-ratelimit-headers-10: the policy, the remaining quota, and the seconds until
 * the oldest counted request leaves the window.
 */
function setQuotaHeaders(
  response: Response,
  name: string,
  { limit, windowMs }: RateLimit,
  { totalHits, timeToExpire }: Pick<Hit, 'totalHits' | 'timeToExpire'>,
): void {
  const remaining = Math.max(0, limit - totalHits);
  response.setHeader('RateLimit-Policy', `"${name}";q=${limit};w=${Math.ceil(windowMs / 1_000)}`);
  response.setHeader('RateLimit', `"${name}";r=${remaining};t=${timeToExpire}`);
}
