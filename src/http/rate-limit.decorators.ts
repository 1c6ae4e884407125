import { applyDecorators } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiExtension } from '@nestjs/swagger';
import { SkipThrottle } from '@nestjs/throttler';

/** Rate limits. Each counts its own requests. */
export type RateLimitName = 'sync' | 'async' | 'login' | 'reset' | 'default';

/** Metadata: the rate limit of a route or controller, or null for none. Without it, the limit is `default`. */
export const AppliedRateLimit = Reflector.createDecorator<RateLimitName | null>();
/** {@link AppliedRateLimit} in the OpenAPI document. */
export const RATE_LIMIT_EXTENSION = 'x-rate-limit';

/**
 * Metadata of a route that takes a batch: the field of its body with the items, and their maximum number. They count against
 * `RATE_LIMIT_BATCH`.
 */
export const CountedItems = Reflector.createDecorator<{ field: string; max: number }>();

/**
 * Metadata of a route with a limit: a field of its body. The limit also counts each of its values over all callers, without
 * regard to case.
 */
export const CountedField = Reflector.createDecorator<string>();

/** Replaces the default rate limit of a route or controller by another one. */
export const RateLimited = (name: Exclude<RateLimitName, 'default'>) =>
  applyDecorators(
    AppliedRateLimit(name),
    SkipThrottle({ default: true, [name]: false }),
    ApiExtension(RATE_LIMIT_EXTENSION, name),
  );

/** Exempts a route or controller from rate limits and from load shedding. */
export const Unlimited = () =>
  applyDecorators(
    AppliedRateLimit(null),
    SkipThrottle({ sync: true, async: true, login: true, reset: true, default: true }),
    ApiExtension(RATE_LIMIT_EXTENSION, null),
  );
