import { sql } from '../../platform/database/sql.js';
import { id, integer, money, text, time } from '../../reports/query/query-columns.js';
import { CANCELLED, PAID } from '../orders/order-entries.js';
import { defineBooksReport } from './define-books-report.js';
import { LINES, isOfCurrency, isSelected, type Selection, where } from './selection.js';

/** The entries of orders that were paid, and of paid orders that were cancelled. */
const ENTRIES = sql`e.kind IN (${PAID}, ${CANCELLED})`;
/** A cancellation takes back each item. */
const SIGN = `CASE e.kind WHEN '${PAID}' THEN 1 ELSE -1 END`;

/** Every item of the orders that were paid, and again with the opposite sign when such an order was cancelled. */
export default defineBooksReport({
  type: 'orders-ledger',
  title: 'Items of paid and cancelled orders',
  columns: {
    number: integer('e.number'),
    effective_at: time('e.effective_at'),
    kind: id('e.kind'),
    order_id: id('o.id'),
    customer_id: id('o.customer_id'),
    customer_email: text('o.customer_email'),
    item: integer('i.position'),
    sku: text('i.sku'),
    quantity: integer(`${SIGN} * i.quantity`),
    currency: id('o.currency'),
    unit_price: money('i.unit_price_cents', 'o.currency'),
    line_total: money(`${SIGN} * i.line_total_cents`, 'o.currency'),
  },
  rows: (selection: Selection) =>
    sql`FROM journal_entries e JOIN orders o ON o.id = e.source_id JOIN order_items i ON i.order_id = o.id
      ${where(isSelected(selection), ENTRIES, isOfCurrency('o.currency', selection))}`,
  orderBy: 'e.number, i.position',
  // From the journal and not from the items, so that the two can be compared.
  totals: (selection) =>
    sql`SELECT l.currency, count(*) FILTER (WHERE e.kind = ${PAID}) AS orders,
        count(*) FILTER (WHERE e.kind = ${CANCELLED}) AS cancellations, -sum(l.amount_cents) AS income_cents
      ${LINES}
      ${where(isSelected(selection), ENTRIES, sql`l.ledger_account = 'income:orders'`, isOfCurrency('l.currency', selection))}
      GROUP BY l.currency ORDER BY l.currency COLLATE "C"`,
});
