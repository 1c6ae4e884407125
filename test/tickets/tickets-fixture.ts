import { expect } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import type { UserRole } from '../../src/http/caller.js';
import { post, type Reply, send } from '../support/client.js';
import type { Daybook } from '../support/daybook.js';
import { sql } from '../support/sql.js';

/** A registered user, and the header that bears its token. */
export interface TestUser {
  id: string;
  name: string;
  email: string;
  headers: { authorization: string };
}

/** Registers a user over HTTP. */
export async function register(daybook: Daybook, role: UserRole, name: string = role): Promise<TestUser> {
  const email = `${uuidv7()}@${role}.example`;
  const reply = await post(daybook, '/api/auth/register', { name, email, password: 'correct horse battery', role });
  expect([reply.status, reply.text]).toEqual([201, reply.text]);
  return { id: reply.json.id, name, email, headers: { authorization: `Bearer ${reply.json.token}` } };
}

export const DAY_MS = 86_400_000;
export const inDays = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString();

export const EVENT = {
  title: 'Jazz in the yard',
  description: 'Three bands\nOne evening',
  date: inDays(30),
  location: 'Old Brewery, Berlin',
  total_tickets: 100,
  price_cents: 25_00,
  currency: 'EUR',
};

/** Publishes an event. */
export async function publish(daybook: Daybook, organizer: TestUser, more: object = {}): Promise<Reply['json']> {
  const reply = await post(daybook, '/api/events', { ...EVENT, ...more }, organizer.headers);
  expect([reply.status, reply.text]).toEqual([201, reply.text]);
  return reply.json;
}

export const book = (
  daybook: Pick<Daybook, 'url'>,
  customer: TestUser,
  event_id: string,
  num_tickets: unknown = 1,
  headers: Record<string, string> = {},
): Promise<Reply> => post(daybook, '/api/bookings', { event_id, num_tickets }, { ...customer.headers, ...headers });

/** Books tickets, which must succeed. @returns The booking. */
export async function booked(
  daybook: Daybook,
  customer: TestUser,
  eventId: string,
  tickets = 1,
): Promise<Reply['json']> {
  const reply = await book(daybook, customer, eventId, tickets);
  expect([reply.status, reply.text]).toEqual([201, reply.text]);
  return reply.json;
}

export const cancel = (
  daybook: Pick<Daybook, 'url'>,
  customer: TestUser,
  id: string,
  headers: Record<string, string> = {},
): Promise<Reply> =>
  send(daybook, 'POST', `/api/bookings/${id}/cancel`, { headers: { ...customer.headers, ...headers } });

/** Moves an event into the past. */
export const makePast = (daybook: Daybook, id: string): Promise<unknown> =>
  sql(daybook, `UPDATE events SET date = now() - interval '1 hour' WHERE id = $1`, [id]);

export interface Line {
  kind: string;
  ledger_account: string;
  currency: string;
  amount_cents: number;
}

/** The lines that a booking has posted, oldest entry first. */
export const linesOf = (daybook: Daybook, bookingId: string): Promise<Line[]> =>
  sql<Line>(
    daybook,
    `SELECT e.kind, l.ledger_account, l.currency, l.amount_cents::integer AS amount_cents
      FROM journal_entries e JOIN journal_lines l USING (account_id, number)
      WHERE e.source_type = 'booking' AND e.source_id = $1 ORDER BY number, line`,
    [bookingId],
  );

/** The tickets that an event has sold, and those of its confirmed bookings: they must be equal. */
export async function soldOf(daybook: Daybook, eventId: string): Promise<number> {
  const [row] = await sql<{ sold: number; booked: number }>(
    daybook,
    `SELECT tickets_sold AS sold, (SELECT coalesce(sum(num_tickets), 0)::integer FROM bookings
        WHERE event_id = e.id AND status = 'confirmed') AS booked FROM events e WHERE id = $1`,
    [eventId],
  );
  expect(row!.booked).toBe(row!.sold);
  return row!.sold;
}

/** The fan-outs of an event, oldest first. */
export const fanOutsOf = (daybook: Daybook, eventId: string) =>
  sql<{ template: string; data: { changes?: { field: string; from: string; to: string }[] } }>(
    daybook,
    'SELECT template, data FROM mail_fan_outs WHERE event_id = $1 ORDER BY created_at',
    [eventId],
  );

/** The templates of the messages to an address, oldest first. */
export async function mailTo(daybook: Daybook, address: string): Promise<string[]> {
  const text = 'SELECT template FROM mail_messages WHERE recipient = $1 ORDER BY id';
  return (await sql<{ template: string }>(daybook, text, [address])).map(({ template }) => template);
}
