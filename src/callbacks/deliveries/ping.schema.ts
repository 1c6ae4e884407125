import { z } from 'zod';
import { attemptTrace } from '../../requests/requests.schema.js';
import { MAX_CALLBACK_URL_LENGTH } from '../url-guard/callback-url.js';

export const pingBody = z
  .strictObject({
    url: z.string().min(1).max(MAX_CALLBACK_URL_LENGTH).describe('The receiver. The rules of `callback_url` apply'),
  })
  .meta({ id: 'PingBody', example: { url: 'https://example.com/hook' } });
export type PingBody = z.infer<typeof pingBody>;

export const pingTrace = attemptTrace
  .extend({
    webhook_id: z.string(),
    outcome: z.enum(['succeeded', 'failed']),
    response_time_ms: z.int(),
  })
  .meta({ id: 'PingTrace' });
