import { z } from 'zod';
import { pageLimit } from '../../http/fields/page-query.js';
import { MAX_CALLBACK_URL_LENGTH } from '../url-guard/callback-url.js';

/** An account and a destination. */
const CURSOR = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12} [^\0]+$/;
const MAX_CURSOR_LENGTH = 37 + MAX_CALLBACK_URL_LENGTH;

export const destinationsQuery = z.strictObject({
  limit: pageLimit('Destinations'),
  cursor: z.string().max(MAX_CURSOR_LENGTH).regex(CURSOR).optional().describe('`next_cursor` of the previous page'),
});
export type DestinationsQuery = z.infer<typeof destinationsQuery>;

export const enableBody = z
  .strictObject({ url: z.string().min(1).max(MAX_CALLBACK_URL_LENGTH).describe('As in `disabled_urls`') })
  .meta({ id: 'EnableUrlBody', example: { url: 'https://shop.example/hooks/reports' } });
export type EnableBody = z.infer<typeof enableBody>;

const timestamp = z.iso.datetime();

export const destinationPage = z
  .object({
    destinations: z.array(
      z
        .object({
          destination: z.string().describe('scheme://host:port'),
          state: z
            .enum(['closed', 'open', 'half_open'])
            .describe('closed: callbacks are sent; open: they wait; half_open: one callback is sent as a probe'),
          failures: z.int().describe('Consecutive failures'),
          not_closed_since: timestamp.nullable(),
          next_probe_at: timestamp.nullable(),
          has_waiting: z.boolean().describe('Whether callbacks are pending'),
          disabled_urls: z
            .array(z.object({ url: z.string(), request_id: z.uuid(), disabled_at: timestamp }))
            .describe('URLs that answered 410 Gone; the newest 100'),
        })
        .meta({ id: 'Destination' }),
    ),
    next_cursor: z.string().nullable(),
  })
  .meta({
    id: 'DestinationPage',
    example: {
      destinations: [
        {
          destination: 'https://shop.example:443',
          state: 'open',
          failures: 10,
          not_closed_since: '2026-03-01T12:00:00.000Z',
          next_probe_at: '2026-03-01T12:00:02.000Z',
          has_waiting: true,
          disabled_urls: [],
        },
      ],
      next_cursor: null,
    },
  });

export const enabled = z
  .object({ url: z.string(), enabled: z.literal(true), message: z.string() })
  .meta({ id: 'EnabledUrl' });
