import type { EventRow } from '../events/event-row.js';
import { eventView } from '../events/event-row.js';
import type { BookingStatus } from './booking.entity.js';
import type { BookingView, SoldBookingView } from './booking.schema.js';

/** A row of `bookings`. Its times are texts where the row is part of a JSON document. */
export interface BookingRow {
  id: string;
  account_id: string;
  event_id: string;
  event_title: string;
  customer_id: string;
  customer_name: string;
  customer_email: string;
  num_tickets: number;
  price_cents: number;
  currency: string;
  total_cents: number;
  status: BookingStatus;
  created_at: Date | string;
  cancelled_at: Date | string | null;
}

/** A booking and its event. */
export interface BookingOfEvent {
  booking: BookingRow;
  event: EventRow;
}

/** Returns a booking as the API shows it to its customer. */
export function bookingView({ booking, event }: BookingOfEvent): BookingView {
  return {
    id: booking.id,
    event: eventView(event),
    num_tickets: booking.num_tickets,
    price_cents: booking.price_cents,
    currency: booking.currency,
    total_cents: booking.total_cents,
    status: booking.status,
    created_at: new Date(booking.created_at).toISOString(),
  };
}

/** Returns a booking as the API shows it to the organizer of its event. */
export function soldBookingView(row: BookingOfEvent): SoldBookingView {
  const { customer_id: id, customer_name: name, customer_email: email } = row.booking;
  return { ...bookingView(row), customer: { id, name, email } };
}
