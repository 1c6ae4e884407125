import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import {
  InjectThrottlerOptions,
  InjectThrottlerStorage,
  ThrottlerGuard,
  type ThrottlerModuleOptions,
  type ThrottlerRequest,
} from '@nestjs/throttler';
import type { QuotaStorage } from './quota.storage.js';
import { Quotas } from './quotas.js';

/** Applies the rate limits, per caller, from the headers alone. {@link Quotas} decides about a request over its quota. */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  constructor(
    // Nest inherits the injection metadata of ThrottlerGuard's constructor by position, so these three come first.
    @InjectThrottlerOptions() options: ThrottlerModuleOptions,
    @InjectThrottlerStorage() storage: QuotaStorage,
    reflector: Reflector,
    private readonly quotas: Quotas,
  ) {
    super(options, storage, reflector);
  }

  protected override shouldSkip(context: ExecutionContext): Promise<boolean> {
    return this.quotas.isExempt(context);
  }

  protected override async handleRequest({ context, limit, ttl, throttler }: ThrottlerRequest): Promise<boolean> {
    const rate = { limit, windowMs: ttl };
    await this.quotas.charge(context, { name: throttler.name!, rate, units: 1, unit: 'requests' });
    return true;
  }
}
