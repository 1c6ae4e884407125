import { Injectable } from '@nestjs/common';
import type { Query } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import type { LockedEvent } from '../events/event.store.js';
import type { BookingOfEvent, BookingRow } from './booking-row.js';

export interface NewBooking {
  id: string;
  eventId: string;
  customerId: string;
  customerName: string;
  customerEmail: string;
  numTickets: number;
}

/** The state of an event that decides whether tickets can be booked. */
export type Availability = Pick<LockedEvent, 'status' | 'date' | 'now'> & { left: number };

// The only check of the number of tickets. A booking that waits for the lock reads `tickets_sold` after it has the lock.
const BOOK = statement(
  'booking_book',
  `WITH event AS (
    UPDATE events SET tickets_sold = tickets_sold + :numTickets::integer
    WHERE id = :eventId AND status = 'active' AND date > clock_timestamp()
      AND tickets_sold + :numTickets::integer <= total_tickets
    RETURNING *
  ), booking AS (
    INSERT INTO bookings (id, account_id, event_id, event_title, customer_id, customer_name, customer_email, num_tickets,
      price_cents, currency, total_cents, created_at)
    SELECT :id::uuid, account_id, id, title, :customerId::uuid, :customerName::text, :customerEmail::text, :numTickets::integer,
      price_cents, currency, :numTickets::integer * price_cents, date_trunc('milliseconds', clock_timestamp())
    FROM event RETURNING *
  )
  SELECT to_jsonb(booking) AS booking, to_jsonb(event) AS event FROM booking, event`,
);

const AVAILABILITY = statement(
  'booking_availability',
  `SELECT status, date, total_tickets - tickets_sold AS left, clock_timestamp() AS now FROM events WHERE id = :eventId`,
);

const LOCK_EVENT = statement(
  'booking_lock_event',
  `SELECT e.*, clock_timestamp() AS now FROM events e
  WHERE id = (SELECT event_id FROM bookings WHERE id = :id AND customer_id = :customerId) FOR UPDATE`,
);

const CANCEL = statement(
  'booking_cancel',
  `WITH booking AS (
    UPDATE bookings SET status = 'cancelled', cancelled_at = date_trunc('milliseconds', clock_timestamp())
    WHERE id = :id AND status = 'confirmed' RETURNING *
  ), event AS (
    UPDATE events e SET tickets_sold = e.tickets_sold - booking.num_tickets
    FROM booking WHERE e.id = booking.event_id RETURNING e.*
  )
  SELECT to_jsonb(booking) AS booking, to_jsonb(event) AS event FROM booking, event`,
);

const CANCEL_NEXT = statement(
  'booking_cancel_next',
  `WITH next AS (
    SELECT id FROM bookings WHERE event_id = :eventId AND id > :afterId AND status = 'confirmed' ORDER BY id LIMIT :limit
  ), cancelled AS (
    UPDATE bookings b SET status = 'cancelled', cancelled_at = :at FROM next WHERE b.id = next.id RETURNING b.id
  )
  SELECT id FROM cancelled ORDER BY id`,
);

/**
 * Writes bookings. Hand-written SQL, because no event may be oversold: booking and cancelling change the event and the booking
 * in one statement, under the lock of the event. Every method runs in the caller's transaction.
 */
@Injectable()
export class BookingStore {
  /** @returns The booking, or null if the event does not exist, is cancelled, has begun, or has too few tickets left. */
  async book(query: Query, booking: NewBooking): Promise<BookingOfEvent | null> {
    const [booked]: BookingOfEvent[] = await query(BOOK, { ...booking });
    return booked ?? null;
  }

  /** @returns Null if there is no such event. */
  async availability(query: Query, eventId: string): Promise<Availability | null> {
    const [found]: Availability[] = await query(AVAILABILITY, { eventId });
    return found ?? null;
  }

  /** Locks the event of a customer's booking until the transaction ends. @returns Null if the customer has no such booking. */
  async lockEvent(query: Query, customerId: string, id: string): Promise<LockedEvent | null> {
    const [event]: LockedEvent[] = await query(LOCK_EVENT, { customerId, id });
    return event ?? null;
  }

  /**
   * Cancels a booking and gives its tickets back. The caller has locked its event.
   * @returns Null if it is cancelled already.
   */
  async cancel(query: Query, id: string): Promise<(BookingOfEvent & { booking: CancelledBooking }) | null> {
    const [cancelled]: (BookingOfEvent & { booking: CancelledBooking })[] = await query(CANCEL, { id });
    return cancelled ?? null;
  }

  /**
   * Cancels the next confirmed bookings of an event that is locked and cancelled.
   * @param at The time at which the event was cancelled.
   * @param afterId The last booking of the call before; the nil UUID at first.
   * @returns The ids of up to `limit` bookings, the oldest first.
   */
  async cancelNext(query: Query, eventId: string, at: Date, afterId: string, limit: number): Promise<string[]> {
    const rows: { id: string }[] = await query(CANCEL_NEXT, { eventId, at, afterId, limit });
    return rows.map(({ id }) => id);
  }
}

type CancelledBooking = BookingRow & { cancelled_at: string };
