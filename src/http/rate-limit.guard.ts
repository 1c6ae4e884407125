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
import { CONFIG, type Config, type RateLimit } from '../config.js';
import { DaybookError } from '../errors.js';
import { LoadRuns, RUN_TOKEN_HEADER } from '../load-runs.js';
import { callerOf } from './caller.js';
import { GcraStorage } from './gcra.storage.js';
import { RATE_LIMIT, type RateLimitName } from './rate-limit.decorators.js';

/** The caller has used up its quota. */
export class QuotaExceeded extends DaybookError {
  readonly code = 'quota-exceeded';
  constructor(
    name: string,
    { limit, windowMs }: RateLimit,
    override readonly retryAfterS: number,
  ) {
    super(`Over the limit "${name}" of ${limit} requests in ${windowMs / 1_000} s. Come back in ${retryAfterS} s.`);
  }
}

const REFUND = Symbol('refund');

/** Gives back, once, what a request took from its caller's quota: a repeated answer costs nothing. */
export function refundQuota(request: Request): void {
  const counted = request as Request & { [REFUND]?: () => void };
  counted[REFUND]?.();
  delete counted[REFUND];
}

/** Limits per caller, by @nestjs/throttler's guard over {@link GcraStorage}. */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  private readonly limits: Record<RateLimitName, RateLimit | null>;

  constructor(
    // The order of the guard's own constructor: Nest inherits the marks of its parameters by their place.
    @InjectThrottlerOptions() options: ThrottlerModuleOptions,
    @InjectThrottlerStorage() private readonly storage: GcraStorage,
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
    const targets = [context.getHandler(), context.getClass()];
    const name = this.reflector.getAllAndOverride<RateLimitName | null | undefined>(RATE_LIMIT, targets);
    return name === undefined ? 'default' : name;
  }

  protected override getTracker(request: Request): Promise<string> {
    return Promise.resolve(callerOf(request).id);
  }

  /** The load test that is under way measures the service, not the limits; its token is good for what it sends alone. */
  private async isOfLoadRun(name: RateLimitName, request: Request): Promise<boolean> {
    const token = name === 'default' ? undefined : request.header(RUN_TOKEN_HEADER);
    return token !== undefined && this.loadRuns.admits(token);
  }

  protected override async handleRequest({ context, getTracker }: ThrottlerRequest): Promise<boolean> {
    const name = this.limitName(context);
    const rate = name && this.limits[name];
    if (!rate) return true;
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    if (await this.isOfLoadRun(name, request)) return true;
    const response = http.getResponse<Response>();
    const key = `${name}:${await getTracker(request, context)}`;
    const hit = await this.storage.increment(key, rate.windowMs, rate.limit);
    setQuotaHeaders(response, name, rate, hit);
    if (hit.isBlocked) throw new QuotaExceeded(name, rate, hit.timeToBlockExpire);
    Object.assign(request, { [REFUND]: () => this.storage.refund(key, rate.windowMs, rate.limit) });
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
