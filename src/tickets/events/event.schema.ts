import { z } from 'zod';
import { atLeastOne } from '../../http/fields/at-least-one.js';
import { pageLimit } from '../../http/fields/page-query.js';
import { currency } from '../../books/currency.js';
import { dateTime } from '../../http/fields/date-time.js';
import { label } from '../../http/fields/label.js';
import { hasUnprintable } from '../../platform/observability/printable.js';
import { EVENT_STATUSES } from './event.entity.js';

/** Most tickets of one event. With {@link MAX_PRICE_CENTS} every total is a safe integer. */
export const MAX_TICKETS = 1_000_000;
const MAX_PRICE_CENTS = 1_000_000_000;
const MAX_DESCRIPTION = 5_000;

const LINES = /[\n\r\t]/g;

/** Text of several lines. */
const description = z
  .string()
  .trim()
  .max(MAX_DESCRIPTION)
  .refine((text) => !hasUnprintable(text.replaceAll(LINES, ' ')), 'must not have control characters');

/** The fields that callers set. The service sets all others, such as `tickets_sold`. */
const fields = {
  title: label(200),
  description,
  date: dateTime.describe('Time at which the event begins; must be in the future'),
  location: label(200),
  total_tickets: z.int().min(1).max(MAX_TICKETS),
  price_cents: z.int().min(0).max(MAX_PRICE_CENTS).describe('Price of one ticket in minor units; 0 is free'),
  currency: currency.describe('ISO 4217; by default `BASE_CURRENCY`. Fixed while tickets are sold'),
};

const example = {
  title: 'Jazz in the yard',
  description: 'Three bands, one evening',
  date: '2099-06-01T19:00:00+02:00',
  location: 'Old Brewery, Berlin',
  total_tickets: 100,
  price_cents: 25_00,
  currency: 'EUR',
};

export const createEventBody = z
  .strictObject({ ...fields, description: description.default(''), currency: fields.currency.optional() })
  .meta({ id: 'CreateEventBody', example });
export type CreateEventBody = z.output<typeof createEventBody>;

export const changeEventBody = atLeastOne(z.strictObject(fields).partial()).meta({
  id: 'ChangeEventBody',
  example: { location: 'New Brewery, Berlin' },
});
export type ChangeEventBody = z.output<typeof changeEventBody>;

const part = z.string().trim().min(1).max(200);

export const eventsQuery = z
  .strictObject({
    from: dateTime.optional().describe('Events that begin at this time or later; now by default, unless `to` is given'),
    to: dateTime.optional().describe('Events that begin before this time'),
    q: part.optional().describe('Part of the title or the description, in any case'),
    location: part.optional().describe('Part of the location, in any case'),
    organizer_id: z.uuid().optional().describe('Events of this organizer, whose id each event has'),
    limit: pageLimit('Events'),
    cursor: z
      .string()
      .regex(/^-?\d{1,15}@[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'must be the next_cursor of the previous page')
      .optional()
      .describe('`next_cursor` of the previous page'),
  })
  .refine(({ from, to }) => !from || !to || from < to, { path: ['to'], error: 'must be after from' });
export type EventsQuery = z.output<typeof eventsQuery>;

const timestamp = z.iso.datetime();

export const eventView = z
  .object({
    id: z.uuid(),
    organizer: z.object({ id: z.uuid(), name: z.string() }).meta({ id: 'Organizer' }),
    title: z.string(),
    description: z.string(),
    date: timestamp,
    location: z.string(),
    total_tickets: z.int(),
    tickets_sold: z.int(),
    price_cents: z.int().describe('Of one ticket, in minor units'),
    currency: z.string(),
    status: z.enum(EVENT_STATUSES).describe('`cancelled` once an event with bookings was deleted'),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Event' });
export type EventView = z.infer<typeof eventView>;

export const eventPage = z
  .object({ events: z.array(eventView), next_cursor: z.string().nullable() })
  .meta({ id: 'EventPage' });
export const deletedEvent = z
  .object({
    deleted: z.literal(true),
    id: z.uuid(),
    cancelled_bookings: z.int().describe('Bookings that were cancelled and refunded'),
  })
  .meta({ id: 'DeletedEvent' });
