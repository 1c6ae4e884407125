import { z } from 'zod';
import { atLeastOne } from '../../http/fields/at-least-one.js';
import { pageFields } from '../../http/fields/page-query.js';
import { shownRequestFilter } from '../../requests/requests.schema.js';
import { dateTime } from '../../http/fields/date-time.js';

const DESTINATION = /^https?:\/\/[^/?#@\s\p{Cc}\p{Cf}]+:\d{1,5}$/u;
const NOT_AFTER = { path: ['until'], error: 'must be after since' };

export const redeliverBody = atLeastOne(
  z.strictObject({
    status: z
      .enum(['SUCCESS', 'FAILED'])
      .optional()
      .describe('Only delivered or only failed callbacks; by default both'),
    destination: z
      .string()
      .max(2_048)
      .regex(DESTINATION, 'must be scheme://host:port, with the port, as in `GET /api/callbacks`')
      .optional(),
    since: dateTime.optional().describe('Only callbacks created at this time or later'),
    until: dateTime.optional().describe('Only callbacks created at this time or earlier; at most now'),
  }),
)
  .refine(({ since, until }) => !since || !until || since < until, NOT_AFTER)
  .meta({
    id: 'RedeliverBody',
    example: { status: 'FAILED', destination: 'https://example.com:443', since: '2026-03-01T12:00:00.000Z' },
  });
export type RedeliverBody = z.infer<typeof redeliverBody>;

export const redeliveriesQuery = z.strictObject({
  ...pageFields('Redeliveries'),
});
export type RedeliveriesQuery = z.infer<typeof redeliveriesQuery>;

const timestamp = z.iso.datetime();

export const redeliveryJob = z
  .object({
    id: z.uuid(),
    status: z.enum(['running', 'completed', 'cancelled']),
    filter: z.object({
      status: z.enum(['SUCCESS', 'FAILED']).nullable(),
      destination: z.string().nullable(),
      since: timestamp.nullable(),
      until: timestamp,
      requests: shownRequestFilter
        .optional()
        .describe('Of a job of `POST /api/requests/bulk`: only callbacks of the requests that match this filter'),
    }),
    matched: z.int().describe('Callbacks that matched when the job was added'),
    redelivered: z.int().describe('Callbacks that are due again or were sent since'),
    created_at: timestamp,
    finished_at: timestamp.nullable().describe('Time at which the last one became due'),
  })
  .meta({ id: 'RedeliveryJob' });

export const cancelledRedelivery = z
  .object({ id: z.uuid(), status: z.literal('cancelled') })
  .meta({ id: 'CancelledRedelivery' });

export const redeliveryPage = z
  .object({ redeliveries: z.array(redeliveryJob), next_cursor: z.uuid().nullable() })
  .meta({ id: 'RedeliveryPage' });
