import { z } from 'zod';
import { isPercentEncoded, serviceUrl, someOf } from '../values.js';

/** The client throws on a password that it cannot decode, and takes another path than a number for the database NaN. */
function isReadable(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password, pathname } = new URL(text);
  return /^(?:\/\d*)?$/.test(pathname) && isPercentEncoded(username + password);
}

/** The queues that can be paused, by the names that operators use. */
export const QUEUE_NAMES = ['reports', 'callbacks', 'mail'] as const;

/** The queues. */
export const queueSettings = z.object({
  REDIS_URL: serviceUrl('redis', 'rediss')
    .refine(
      isReadable,
      'a URL with the number of a database as its path, if any, and %25 for a percent sign in a password',
    )
    .optional()
    .describe('Redis for the Bull queue and for shared rate limits. Without it both are in-process'),
  HOLD: someOf(QUEUE_NAMES)
    .default([])
    .describe(
      'Queues that the start pauses, comma-separated: `reports`, `callbacks`, `mail`. They stay paused until resumed',
    ),
});
