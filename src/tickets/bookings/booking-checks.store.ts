import { type Check, checked } from '../../books/verify/check.js';
import type { PostingSource } from '../../books/verify/source-checks.store.js';
import { CANCELLED, SOLD, SOURCE_TYPE } from './booking-entries.js';

/** A free booking posts nothing. The reversal moves the price back. */
const DUE = `SELECT b.account_id, b.id AS source_id, '${SOLD}' AS kind, b.created_at AS effective_at, NULL AS reverses_kind,
    b.currency, 'assets:cash' AS debit, 'income:tickets' AS credit, b.total_cents AS cents
  FROM bookings b WHERE b.total_cents > 0 AND ${checked('b')}
  UNION ALL
  SELECT b.account_id, b.id, '${CANCELLED}', b.cancelled_at, '${SOLD}', b.currency, 'income:tickets', 'assets:cash', b.total_cents
  FROM bookings b WHERE b.total_cents > 0 AND b.status = 'cancelled' AND ${checked('b')}`;

const TICKETS_SOLD = `SELECT e.account_id, format('event %s has sold %s of %s tickets; its confirmed bookings have %s', e.id,
    e.tickets_sold, e.total_tickets, coalesce(sum(b.num_tickets), 0)) AS detail
  FROM events e LEFT JOIN bookings b ON b.event_id = e.id AND b.status = 'confirmed' WHERE ${checked('e')}
  GROUP BY e.id HAVING coalesce(sum(b.num_tickets), 0) <> e.tickets_sold`;

const OTHER_BOOKS = `SELECT b.account_id, format('booking %s of event %s is in other books than the event', b.id, e.id) AS detail
  FROM bookings b JOIN events e ON e.id = b.event_id WHERE b.account_id <> e.account_id AND ${checked('b')}`;

const CHECKS: readonly Check[] = [
  { name: 'tickets-sold', findings: TICKETS_SOLD },
  { name: 'booking-books', findings: OTHER_BOOKS },
];

/** The bookings, for `daybook books verify`. */
export const BOOKINGS: PostingSource = { type: SOURCE_TYPE, noun: 'ticket', due: DUE, checks: CHECKS };
