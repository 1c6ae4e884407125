import { z } from 'zod';
import { requestFilter } from '../../requests/requests.schema.js';

export const BULK_ACTIONS = ['cancel', 'delete', 'redeliver'] as const;

export const bulkBody = z
  .strictObject({
    action: z
      .enum(BULK_ACTIONS)
      .describe(
        '`cancel`: the pending requests. `delete`: the finished ones whose callback is not due. `redeliver`: the callbacks that ' +
          'were delivered or have failed',
      ),
    filter: requestFilter.describe('As in the query of `GET /api/requests`; `{}` matches all requests'),
    dry_run: z.boolean().default(false).describe('Only count'),
  })
  .meta({
    id: 'BulkBody',
    example: { action: 'cancel', filter: { lane: 'nightly', created_to: '2026-03-01T12:00:00Z' } },
  });
export type BulkBody = z.infer<typeof bulkBody>;

export const bulkCount = z
  .object({
    count: z
      .int()
      .describe('Requests that were cancelled or deleted; with `dry_run` those that would be, or be redelivered'),
  })
  .meta({ id: 'BulkCount' });
