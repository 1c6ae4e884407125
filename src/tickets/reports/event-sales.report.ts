import { Sql, sql } from '../../platform/database/sql.js';
import { defineBooksReport } from '../../books/reports/define-books-report.js';
import { LINES, entryOf, isOfCurrency, isSelected, type Selection, where } from '../../books/reports/selection.js';
import { id, integer, money, text } from '../../reports/query/query-columns.js';
import { CANCELLED, SOLD } from '../bookings/booking-entries.js';

/** Sums the tickets of bookings `b` and what they posted to `income:tickets`, one line each. @param by Columns of `b`. */
function sums(selection: Selection, by: string): Sql {
  const isMeant = sql`e.kind IN (${SOLD}, ${CANCELLED}) AND l.ledger_account = 'income:tickets'`;
  const isSale = sql`FILTER (WHERE e.kind = ${SOLD})`;
  const isCancellation = sql`FILTER (WHERE e.kind = ${CANCELLED})`;
  return sql`SELECT ${new Sql(by)}, count(*) ${isSale} AS bookings, coalesce(sum(b.num_tickets) ${isSale}, 0) AS tickets,
      coalesce(-sum(l.amount_cents) ${isSale}, 0) AS revenue_cents, count(*) ${isCancellation} AS cancellations,
      coalesce(sum(b.num_tickets) ${isCancellation}, 0) AS cancelled_tickets,
      coalesce(sum(l.amount_cents) ${isCancellation}, 0) AS refunds_cents,
      -sum(l.amount_cents) AS net_cents, max(e.number) AS newest
    ${LINES} JOIN bookings b ON b.id = e.source_id
    ${where(isSelected(selection), isMeant, isOfCurrency('l.currency', selection))}
    GROUP BY ${new Sql(by)}`;
}

/** Sold and cancelled tickets by event. The title is the one that the booking of the newest entry has kept. */
export default defineBooksReport({
  type: 'event-sales',
  title: 'Sold and cancelled tickets, one row per event and currency',
  columns: {
    event_id: id('s.event_id'),
    event_title: text('b.event_title'),
    currency: id('s.currency'),
    bookings: integer('s.bookings'),
    tickets: integer('s.tickets'),
    revenue: money('s.revenue_cents', 's.currency'),
    cancellations: integer('s.cancellations'),
    cancelled_tickets: integer('s.cancelled_tickets'),
    refunds: money('s.refunds_cents', 's.currency'),
    net: money('s.net_cents', 's.currency'),
  },
  rows: (selection) =>
    sql`FROM (${sums(selection, 'b.event_id, b.currency')}) s
      ${entryOf(selection, 's.newest')} JOIN bookings b ON b.id = e.source_id`,
  orderBy: 's.event_id, s.currency COLLATE "C"',
  totals: (selection) =>
    sql`SELECT currency, bookings, tickets, revenue_cents, cancellations, cancelled_tickets, refunds_cents, net_cents
      FROM (${sums(selection, 'b.currency')}) s ORDER BY currency COLLATE "C"`,
});
