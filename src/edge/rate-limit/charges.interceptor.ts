import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { type Observable, catchError } from 'rxjs';
import { AppliedRateLimit, CountedField, CountedItems } from '../../http/rate-limit.decorators.js';
import { InvalidInput } from '../../http/validation.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { RateLimit } from '../../platform/config/values.js';
import { LimitReached } from '../../platform/errors.js';
import { quotaRefusal, refundCharge, refundQuota } from './quota.js';
import { Quotas } from './quotas.js';

/** Longer values are no valid addresses, and validation refuses them. */
const MAX_COUNTED = 254;
/** The limit of the items of batches. */
const NAME = 'batch';

/**
 * Charges a batch for its items, whose number is known only behind the body, and returns the charges of requests of which
 * nothing was accepted.
 */
@Injectable()
export class ChargesInterceptor implements NestInterceptor {
  constructor(
    private readonly quotas: Quotas,
    private readonly reflector: Reflector,
    @Inject(CONFIG) private readonly config: Pick<Config, 'RATE_LIMIT_BATCH' | 'RATE_LIMIT_LOGIN'>,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    const limit = this.reflector.getAllAndOverride(AppliedRateLimit, [context.getHandler(), context.getClass()]);
    if (limit === 'login' || limit === 'reset') return this.chargeField(context, next, limit);
    if (limit !== 'sync' && limit !== 'async') return next.handle();
    const request = context.switchToHttp().getRequest<Request>();
    const items = this.itemsOf(context, request);
    const { RATE_LIMIT_BATCH } = this.config;
    if (items > 0 && RATE_LIMIT_BATCH) return this.chargeItems(context, next, items, RATE_LIMIT_BATCH);
    return next.handle().pipe(catchError((error: unknown) => refundUnlessAdmitted(request, error)));
  }

  /** Counts guesses against one address that come from many networks. @throws QuotaExceeded */
  private async chargeField(
    context: ExecutionContext,
    next: CallHandler,
    name: 'login' | 'reset',
  ): Promise<Observable<unknown>> {
    const rate = this.config.RATE_LIMIT_LOGIN;
    const field = this.reflector.get(CountedField, context.getHandler());
    const { body } = context.switchToHttp().getRequest<Request>();
    const value = field && (body as Record<string, unknown> | undefined)?.[field];
    if (rate && typeof value === 'string' && value.length <= MAX_COUNTED) {
      const charge = { name: `${name}-${field}`, rate, units: 1, unit: 'requests' };
      await this.quotas.chargeKey(context, `${charge.name}:${value.toLowerCase()}`, charge);
    }
    return next.handle();
  }

  /** Returns 0 unless the route takes a batch, and for a batch that will not pass validation. */
  private itemsOf(context: ExecutionContext, request: Request): number {
    const counted = this.reflector.get(CountedItems, context.getHandler());
    if (!counted) return 0;
    const items = (request.body as Record<string, unknown> | undefined)?.[counted.field];
    return Array.isArray(items) && items.length <= counted.max ? items.length : 0;
  }

  /** @throws QuotaExceeded; InvalidInput for a batch that is larger than the whole limit and can never pass. */
  private async chargeItems(
    context: ExecutionContext,
    next: CallHandler,
    items: number,
    rate: RateLimit,
  ): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<Request>();
    if (quotaRefusal(request) || (await this.quotas.isExempt(context))) return next.handle();
    if (items > rate.limit) {
      const limit = `${rate.limit} in ${rate.windowMs / 1_000} s`;
      const message = `has ${items} items, more than RATE_LIMIT_BATCH lets in at all (${limit}); send smaller batches`;
      throw new InvalidInput('body', [{ path: 'requests', message }]);
    }
    const refund = await this.quotas.charge(context, { name: NAME, rate, units: items, unit: 'items of batches' });
    return next.handle().pipe(
      catchError((error: unknown) => {
        if (refund) refundCharge(request, refund);
        return refundUnlessAdmitted(request, error);
      }),
    );
  }
}

function refundUnlessAdmitted(request: Request, error: unknown): never {
  if (error instanceof LimitReached) refundQuota(request);
  throw error;
}
