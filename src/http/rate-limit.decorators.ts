import { applyDecorators } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import { RouteMark } from './route-mark.js';

/** The limits there are; each is counted by itself. */
export type RateLimitName = 'sync' | 'async' | 'default';

/** The limit that a route or controller is under, or null for none. */
export const RATE_LIMIT_MARK = new RouteMark<RateLimitName | null>('rate-limit');
/** The same in the description of the API. */
export const LIMIT_EXTENSION = 'x-rate-limit';

const underLimit = (name: RateLimitName | null) =>
  applyDecorators(RATE_LIMIT_MARK.set(name), ApiExtension(LIMIT_EXTENSION, name));

/** Puts a route under a limit of its own. */
export const RateLimited = (name: RateLimitName) => underLimit(name);

/** Takes a route or a controller out of the limits. */
export const Unlimited = () => underLimit(null);
