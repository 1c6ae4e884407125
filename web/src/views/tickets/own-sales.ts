import { client, dataOf } from '../../api/client';
import type { components } from '../../api/schema.generated';

type TicketEvent = components['schemas']['Event'];

/** Items of a page, and pages that are read at most: 2,000 events of an organizer, and 2,000 bookings of an event. */
const PAGE = 200;
const MAX_PAGES = 10;

/** Events since the beginning: the list begins now by default. */
export const BEGINNING = '1970-01-01T00:00:00.000Z';

/** What was read of a list; it is not all if the list is longer than a view reads. */
export interface Read<Row> {
  rows: Row[];
  isAll: boolean;
}

async function readAll<Row>(read: (cursor?: string) => Promise<PageOf<Row>>): Promise<Read<Row>> {
  const rows: Row[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await read(cursor);
    rows.push(...answer.rows);
    if (answer.next === null) return { rows, isAll: true };
    cursor = answer.next;
  }
  return { rows, isAll: false };
}

interface PageOf<Row> {
  rows: Row[];
  next: string | null;
}

/** Reads the active events of an organizer, past ones too. */
export function ownEvents(organizerId: string): Promise<Read<TicketEvent>> {
  return readAll(async (cursor) => {
    const query = { organizer_id: organizerId, from: BEGINNING, limit: PAGE, cursor };
    const { events, next_cursor } = await dataOf(client.GET('/api/events', { params: { query } }));
    return { rows: events, next: next_cursor };
  });
}

export interface Sales {
  event: TicketEvent;
  tickets: number;
  /** Minor units of the event's currency: the price when each ticket was booked. */
  cents: number;
  isAll: boolean;
}

/** @returns The tickets and the revenue of bookings that are not cancelled. */
export function salesOf(
  event: TicketEvent,
  { rows, isAll }: Read<Pick<components['schemas']['SoldBooking'], 'status' | 'num_tickets' | 'total_cents'>>,
): Sales {
  const confirmed = rows.filter(({ status }) => status === 'confirmed');
  const tickets = confirmed.reduce((sum, { num_tickets }) => sum + num_tickets, 0);
  const cents = confirmed.reduce((sum, { total_cents }) => sum + total_cents, 0);
  return { event, tickets, cents, isAll };
}

/** Reads the sales of events, one after the other: a view takes little of the caller's rate limit at once. */
export async function readSales(events: TicketEvent[]): Promise<Sales[]> {
  const sales: Sales[] = [];
  for (const event of events) {
    const bookings =
      event.tickets_sold === 0
        ? { rows: [], isAll: true }
        : await readAll(async (cursor) => {
            const params = { path: { id: event.id }, query: { limit: PAGE, cursor } };
            const answer = await dataOf(client.GET('/api/events/{id}/bookings', { params }));
            return { rows: answer.bookings, next: answer.next_cursor };
          });
    sales.push(salesOf(event, bookings));
  }
  return sales;
}

/** @returns Tickets and revenue for each currency. */
export function totals(sales: readonly Sales[]): { currency: string; tickets: number; cents: number }[] {
  const sums = new Map<string, { currency: string; tickets: number; cents: number }>();
  for (const { event, tickets, cents } of sales) {
    const sum = sums.get(event.currency) ?? { currency: event.currency, tickets: 0, cents: 0 };
    sum.tickets += tickets;
    sum.cents += cents;
    sums.set(event.currency, sum);
  }
  return [...sums.values()];
}
