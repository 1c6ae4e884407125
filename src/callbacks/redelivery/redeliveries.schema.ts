import { z } from 'zod';

const DESTINATION = /^https?:\/\/[^/?#@\s]+:\d{1,5}$/;
const NO_FILTER = { error: 'at least one of status, destination, since and until is required' };
const NOT_AFTER = { path: ['until'], error: 'must be after since' };

/** `:id` of a redelivery. An id that is no UUID cannot exist and is answered 404 by the service. */
export const redeliveryIdParam = z.string();

export const redeliverBody = z
  .strictObject({
    status: z
      .enum(['SUCCESS', 'FAILED'])
      .optional()
      .describe('Those that were taken, or those that failed; default: both'),
    destination: z
      .string()
      .max(2_048)
      .regex(DESTINATION, 'must be scheme://host:port, with the port, as `GET /api/callbacks` shows it')
      .optional(),
    since: z.iso.datetime().optional().describe('Only callbacks that were owed then or later'),
    until: z.iso.datetime().optional().describe('Only callbacks that were owed then or earlier; at most now'),
  })
  .refine((filter) => Object.values(filter).some((value) => value !== undefined), NO_FILTER)
  .refine(({ since, until }) => !since || !until || Date.parse(since) < Date.parse(until), NOT_AFTER)
  .meta({ example: { status: 'FAILED', destination: 'https://example.com:443', since: '2026-03-01T12:00:00.000Z' } });
export type RedeliverBody = z.infer<typeof redeliverBody>;

export const redeliveriesQuery = z.strictObject({
  limit: z.coerce.number().pipe(z.int().min(1).max(200)).default(50),
  cursor: z.uuid().optional().describe('`next_cursor` of the page before'),
});
export type RedeliveriesQuery = z.infer<typeof redeliveriesQuery>;

const timestamp = z.iso.datetime();

export const redeliveryJob = z.object({
  id: z.uuid(),
  status: z.enum(['running', 'completed', 'cancelled']),
  filter: z.object({
    status: z.enum(['SUCCESS', 'FAILED']).nullable(),
    destination: z.string().nullable(),
    since: timestamp.nullable(),
    until: timestamp,
  }),
  matched: z.int().describe('Callbacks that matched when it was asked for'),
  redelivered: z.int().describe('Callbacks that were put back to be sent until now'),
  created_at: timestamp,
  finished_at: timestamp.nullable().describe('When the last one was put back'),
});

export const redeliveryPage = z.object({ redeliveries: z.array(redeliveryJob), next_cursor: z.uuid().nullable() });
