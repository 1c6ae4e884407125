import { z } from 'zod';
import { pageFields } from '../../http/fields/page-query.js';
import { MAX_TICKETS, eventView } from '../events/event.schema.js';
import { BOOKING_STATUSES } from './booking.entity.js';

export const createBookingBody = z
  .strictObject({ event_id: z.uuid(), num_tickets: z.int().min(1).max(MAX_TICKETS) })
  .meta({ id: 'CreateBookingBody', example: { event_id: '019aa000-0000-7000-8000-000000000001', num_tickets: 2 } });
export type CreateBookingBody = z.output<typeof createBookingBody>;

export const bookingsQuery = z.strictObject({
  ...pageFields('Bookings'),
});
export type BookingsQuery = z.output<typeof bookingsQuery>;

const timestamp = z.iso.datetime();

export const bookingView = z
  .object({
    id: z.uuid(),
    event: eventView,
    num_tickets: z.int(),
    price_cents: z.int().describe('Of one ticket when it was booked, in minor units'),
    currency: z.string(),
    total_cents: z.int(),
    status: z.enum(BOOKING_STATUSES),
    created_at: timestamp,
  })
  .meta({ id: 'Booking' });
export type BookingView = z.infer<typeof bookingView>;

/** A booking as the organizer of its event sees it. */
export const soldBookingView = bookingView
  .extend({
    customer: z.object({ id: z.uuid(), name: z.string(), email: z.string() }).meta({ id: 'BookingCustomer' }),
  })
  .meta({ id: 'SoldBooking' });
export type SoldBookingView = z.infer<typeof soldBookingView>;

export const bookingPage = z
  .object({ bookings: z.array(bookingView), next_cursor: z.uuid().nullable() })
  .meta({ id: 'BookingPage' });
export const soldBookingPage = z
  .object({ bookings: z.array(soldBookingView), next_cursor: z.uuid().nullable() })
  .meta({ id: 'SoldBookingPage' });

/** A booking with its customer for organizers, and without for customers. */
export const seenBookingView = soldBookingView.partial({ customer: true }).meta({ id: 'SeenBooking' });
