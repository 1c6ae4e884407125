import { z } from 'zod';
import { serviceUrl, someOf } from '../values.js';

/** The queues that can be paused, by the names that operators use. */
export const QUEUE_NAMES = ['reports', 'callbacks', 'mail'] as const;

/** The queues. */
export const queueSettings = z.object({
  REDIS_URL: serviceUrl('redis', 'rediss')
    .optional()
    .describe('Redis for the Bull queue and for shared rate limits. Without it both are in-process'),
  HOLD: someOf(QUEUE_NAMES)
    .default([])
    .describe(
      'Queues that the start pauses, comma-separated: `reports`, `callbacks`, `mail`. They stay paused until resumed',
    ),
});
