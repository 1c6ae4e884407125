import { Sql, sql } from '../../platform/database/sql.js';
import { id, integer, money, text } from '../../reports/query/query-columns.js';
import { CANCELLED, PAID } from '../orders/order-entries.js';
import { defineBooksReport } from './define-books-report.js';
import { LINES, entryOf, isOfCurrency, isSelected, type Selection, where } from './selection.js';

/** Sums what payments and cancellations of orders posted to `income:orders`, one line each. @param by Columns of a line `l`. */
function sums(selection: Selection, by: string): Sql {
  const isMeant = sql`e.kind IN (${PAID}, ${CANCELLED}) AND l.ledger_account = 'income:orders'`;
  return sql`SELECT ${new Sql(by)}, count(*) FILTER (WHERE e.kind = ${PAID}) AS orders,
      count(*) FILTER (WHERE e.kind = ${CANCELLED}) AS cancellations,
      coalesce(-sum(l.amount_cents) FILTER (WHERE e.kind = ${PAID}), 0) AS gross_cents,
      coalesce(sum(l.amount_cents) FILTER (WHERE e.kind = ${CANCELLED}), 0) AS refunds_cents,
      -sum(l.amount_cents) AS net_cents, max(e.number) AS newest
    ${LINES}
    ${where(isSelected(selection), isMeant, isOfCurrency('l.currency', selection))}
    GROUP BY ${new Sql(by)}`;
}

/** Paid and cancelled orders by customer. The email is the one that the order of the newest entry has kept since its payment. */
export default defineBooksReport({
  type: 'orders-summary',
  title: 'Paid and cancelled orders, one row per customer and currency',
  columns: {
    customer_id: id('s.customer_id'),
    customer_email: text('o.customer_email'),
    currency: id('s.currency'),
    orders: integer('s.orders'),
    cancellations: integer('s.cancellations'),
    gross: money('s.gross_cents', 's.currency'),
    refunds: money('s.refunds_cents', 's.currency'),
    net: money('s.net_cents', 's.currency'),
  },
  rows: (selection) =>
    sql`FROM (${sums(selection, 'l.customer_id, l.currency')}) s
      ${entryOf(selection, 's.newest')} JOIN orders o ON o.id = e.source_id`,
  orderBy: 's.customer_id, s.currency COLLATE "C"',
  totals: (selection) =>
    sql`SELECT currency, orders, cancellations, gross_cents, refunds_cents, net_cents
      FROM (${sums(selection, 'l.currency')}) s ORDER BY currency COLLATE "C"`,
});
