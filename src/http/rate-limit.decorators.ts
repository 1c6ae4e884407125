import { SetMetadata } from '@nestjs/common';

/** The limits there are; each is counted by itself. */
export type RateLimitName = 'sync' | 'async' | 'default';

/** Metadata: the {@link RateLimitName} of a route or controller, or null for none. */
export const RATE_LIMIT = 'rate-limit';

/** Puts a route under a limit of its own. */
export const RateLimited = (name: RateLimitName) => SetMetadata(RATE_LIMIT, name);

/** Takes a route or a controller out of the limits. */
export const Unlimited = () => SetMetadata(RATE_LIMIT, null);
