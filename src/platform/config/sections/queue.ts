import { z } from 'zod';
import { serviceUrl } from '../values.js';

/** The queue. */
export const queueSettings = z.object({
  REDIS_URL: serviceUrl('redis', 'rediss')
    .optional()
    .describe('Redis for the Bull queue and for shared rate limits. Without it both are in-process'),
});
