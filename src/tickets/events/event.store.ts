import { Injectable } from '@nestjs/common';
import type { Query } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import type { EventRow } from './event-row.js';

export interface NewEvent {
  id: string;
  account: string;
  organizerId: string;
  organizerName: string;
  title: string;
  description: string;
  date: Date;
  location: string;
  totalTickets: number;
  priceCents: number;
  currency: string;
}

/** New values of an event; undefined leaves one as it is. */
export type EventChange = Partial<Omit<NewEvent, 'id' | 'account' | 'organizerId' | 'organizerName'>>;

/** An event that the transaction has locked, and the time on the clock of the database. */
export type LockedEvent = EventRow & { now: Date };

const CREATE = statement(
  'event_create',
  `INSERT INTO events (id, account_id, organizer_id, organizer_name, title, description, date, location, total_tickets,
    price_cents, currency)
  VALUES (:id, :account, :organizerId, :organizerName, :title, :description, :date, :location, :totalTickets, :priceCents,
    :currency) RETURNING *`,
);

const LOCK = statement('event_lock', 'SELECT e.*, clock_timestamp() AS now FROM events e WHERE id = :id FOR UPDATE');

const CHANGE = statement(
  'event_change',
  `UPDATE events SET title = coalesce(:title, title), description = coalesce(:description, description),
    date = coalesce(:date::timestamptz, date), location = coalesce(:location, location),
    total_tickets = coalesce(:totalTickets::integer, total_tickets),
    price_cents = coalesce(:priceCents::bigint, price_cents), currency = coalesce(:currency, currency),
    updated_at = clock_timestamp()
  WHERE id = :id RETURNING *`,
);

// LIMIT 1 in the order of the index reads one booking, however many there are.
const REMOVE_UNBOOKED = statement(
  'event_remove_unbooked',
  `DELETE FROM events e WHERE e.id = :id
    AND (SELECT b.id FROM bookings b WHERE b.event_id = e.id ORDER BY b.id LIMIT 1) IS NULL RETURNING e.id`,
);

const CANCEL = statement(
  'event_cancel',
  `UPDATE events SET status = 'cancelled', tickets_sold = 0, updated_at = clock_timestamp(),
    cancelled_at = date_trunc('milliseconds', clock_timestamp())
  WHERE id = :id RETURNING *`,
);

/** An event that was cancelled just now. */
export type CancelledEvent = EventRow & { cancelled_at: Date };

/**
 * Writes events. Hand-written SQL, because the order of locks depends on it: every writer locks the event, then its bookings,
 * then the counter of the journal. Every method runs in the caller's transaction.
 */
@Injectable()
export class EventStore {
  async create(query: Query, event: NewEvent): Promise<EventRow> {
    const rows: EventRow[] = await query(CREATE, { ...event });
    return rows[0]!;
  }

  /** Locks an event until the transaction ends. Meanwhile no ticket is booked or given back. */
  async lock(query: Query, id: string): Promise<LockedEvent | null> {
    const [event]: LockedEvent[] = await query(LOCK, { id });
    return event ?? null;
  }

  /** Changes an event that is locked. */
  async change(query: Query, id: string, change: EventChange): Promise<EventRow> {
    const rows: EventRow[] = await query(CHANGE, {
      id,
      title: change.title ?? null,
      description: change.description ?? null,
      date: change.date ?? null,
      location: change.location ?? null,
      totalTickets: change.totalTickets ?? null,
      priceCents: change.priceCents ?? null,
      currency: change.currency ?? null,
    });
    return rows[0]!;
  }

  /** Deletes an event that is locked and was never booked. @returns Whether it was. */
  async removeUnbooked(query: Query, id: string): Promise<boolean> {
    const removed = await query(REMOVE_UNBOOKED, { id });
    return removed.length > 0;
  }

  /** Cancels an event that is locked. `BookingStore.cancelNext` cancels its bookings. */
  async cancel(query: Query, id: string): Promise<CancelledEvent> {
    const rows: CancelledEvent[] = await query(CANCEL, { id });
    return rows[0]!;
  }
}
