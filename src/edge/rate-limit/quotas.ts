import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { InjectThrottlerStorage } from '@nestjs/throttler';
import type { Request, Response } from 'express';
import { LoadRuns, RUN_TOKEN_HEADER } from '../../benchmark/load-runs.js';
import { clientNetwork } from '../../http/client-network.js';
import { callerOf } from '../../http/caller.js';
import { Idempotent, hasIdempotencyKey } from '../../http/idempotency-key.js';
import { AppliedRateLimit } from '../../http/rate-limit.decorators.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { RateLimit } from '../../platform/config/values.js';
import type { Hit, QuotaStorage } from './quota.storage.js';
import { QuotaExceeded, type Refund, addCharge, deferRefusal } from './quota.js';

/** Limits of guesses count by network: a client with many users or keys gets no further guesses. */
const BY_NETWORK = new Set(['login', 'reset']);

/** Units to count for a request. */
export interface Charge {
  /** The name of the limit. It is shared by all routes that it applies to. */
  name: string;
  rate: RateLimit;
  units: number;
  /** The units in plural, for the message of a refusal. */
  unit: string;
}

/** Counts requests against the quotas of their callers. */
@Injectable()
export class Quotas {
  constructor(
    @InjectThrottlerStorage() private readonly storage: QuotaStorage,
    @Inject(CONFIG) private readonly config: Pick<Config, 'RATE_LIMIT_DEFAULT'>,
    private readonly reflector: Reflector,
    private readonly loadRuns: LoadRuns,
  ) {}

  /**
   * Counts units of a request and sets the headers of its quota. A request over its quota that carries an idempotency key is
   * left to the idempotency interceptor, because a repeat of an answered request costs nothing.
   * @returns Takes the charge back; null when nothing was counted.
   * @throws QuotaExceeded
   */
  async charge(context: ExecutionContext, { name, rate, units, unit }: Charge): Promise<Refund | null> {
    const request = context.switchToHttp().getRequest<Request>();
    const caller = BY_NETWORK.has(name) ? clientNetwork(request.ip) : callerOf(request).id;
    return this.chargeKey(context, `${name}:${caller}`, { name, rate, units, unit });
  }

  /** The same as {@link charge}, for a key that is not the caller. @throws QuotaExceeded */
  async chargeKey(context: ExecutionContext, key: string, { name, rate, units, unit }: Charge): Promise<Refund | null> {
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    const hit = await this.storage.take(key, rate.windowMs, rate.limit, units);
    setQuotaHeaders(http.getResponse<Response>(), name, rate, hit);
    if (!hit.isBlocked) {
      const refund = (): void => this.storage.refund(key, hit);
      addCharge(request, refund);
      return refund;
    }
    const refusal = new QuotaExceeded(name, rate, hit.timeToBlockExpire, unit);
    if (!(await this.mayBeRepeat(context, request, callerOf(request).id))) throw refusal;
    deferRefusal(request, refusal);
    return null;
  }

  /** A running load test measures the service and not its limits. Its token exempts only the routes that it calls. */
  async isExempt(context: ExecutionContext): Promise<boolean> {
    const token = context.switchToHttp().getRequest<Request>().header(RUN_TOKEN_HEADER);
    if (token === undefined) return false;
    const limit = this.reflector.getAllAndOverride(AppliedRateLimit, [context.getHandler(), context.getClass()]);
    return (limit === 'sync' || limit === 'async') && this.loadRuns.admits(token);
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
 * the oldest counted unit leaves the window. A batch has two policies.
 */
function setQuotaHeaders(
  response: Response,
  name: string,
  { limit, windowMs }: RateLimit,
  { totalHits, timeToExpire }: Pick<Hit, 'totalHits' | 'timeToExpire'>,
): void {
  const remaining = Math.max(0, limit - totalHits);
  addToList(response, 'RateLimit-Policy', `"${name}";q=${limit};w=${Math.ceil(windowMs / 1_000)}`);
  addToList(response, 'RateLimit', `"${name}";r=${remaining};t=${timeToExpire}`);
}

/** Both headers are lists (RFC 9651, section 3.1). */
function addToList(response: Response, header: string, item: string): void {
  const items = response.getHeader(header);
  response.setHeader(header, items === undefined ? item : `${String(items)}, ${item}`);
}
