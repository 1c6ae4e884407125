import { SetMetadata, applyDecorators } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';

/** The limits there are; each is counted by itself. */
export type RateLimitName = 'sync' | 'async' | 'default';

/** Metadata: the {@link RateLimitName} of a route or controller, or null for none. */
export const RATE_LIMIT = 'rate-limit';
/** The same in the description of the API. */
export const LIMIT_EXTENSION = 'x-rate-limit';

const underLimit = (name: RateLimitName | null) =>
  applyDecorators(SetMetadata(RATE_LIMIT, name), ApiExtension(LIMIT_EXTENSION, name));

/** Puts a route under a limit of its own. */
export const RateLimited = (name: RateLimitName) => underLimit(name);

/** Takes a route or a controller out of the limits. */
export const Unlimited = () => underLimit(null);
