import type { EventStatus } from './event.entity.js';
import type { EventView } from './event.schema.js';

/** A row of `events`. Its times are texts where the row is part of a JSON document. */
export interface EventRow {
  id: string;
  account_id: string;
  organizer_id: string;
  organizer_name: string;
  title: string;
  description: string;
  date: Date | string;
  location: string;
  total_tickets: number;
  tickets_sold: number;
  price_cents: number;
  currency: string;
  status: EventStatus;
  created_at: Date | string;
  updated_at: Date | string;
}

/** Returns an event as the API shows it. */
export function eventView(row: EventRow): EventView {
  return {
    id: row.id,
    organizer: { id: row.organizer_id, name: row.organizer_name },
    title: row.title,
    description: row.description,
    date: new Date(row.date).toISOString(),
    location: row.location,
    total_tickets: row.total_tickets,
    tickets_sold: row.tickets_sold,
    price_cents: row.price_cents,
    currency: row.currency,
    status: row.status,
    created_at: new Date(row.created_at).toISOString(),
    updated_at: new Date(row.updated_at).toISOString(),
  };
}
