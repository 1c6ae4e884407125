import { applyDecorators } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiExtension } from '@nestjs/swagger';

/** Rate limits. Each counts its own requests. */
export type RateLimitName = 'sync' | 'async' | 'default';

/** Metadata: the rate limit of a route or controller, or null for none. Without it, the limit is `default`. */
export const AppliedRateLimit = Reflector.createDecorator<RateLimitName | null>();
/** The same in the OpenAPI document. */
export const RATE_LIMIT_EXTENSION = 'x-rate-limit';

/** Applies a rate limit of its own to a route or controller. */
export const RateLimited = (name: RateLimitName) =>
  applyDecorators(AppliedRateLimit(name), ApiExtension(RATE_LIMIT_EXTENSION, name));

/** Exempts a route or controller from rate limits and from load shedding. */
export const Unlimited = () => applyDecorators(AppliedRateLimit(null), ApiExtension(RATE_LIMIT_EXTENSION, null));
