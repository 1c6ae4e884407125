import { sql } from '../../platform/database/sql.js';
import { id, integer, money, text, time } from '../../reports/query/query-columns.js';
import { defineBooksReport } from './define-books-report.js';
import { LINES, isOfCurrency, isSelected, type Selection, where } from './selection.js';

const linesOf = (selection: Selection) =>
  sql`${LINES}
    ${where(isSelected(selection), isOfCurrency('l.currency', selection))}`;

/** Every line of the journal, in the order in which it was posted. */
export default defineBooksReport({
  type: 'journal',
  title: 'Journal, one row per line',
  columns: {
    number: integer('e.number'),
    line: integer('l.line'),
    effective_at: time('e.effective_at'),
    recorded_at: time('e.recorded_at'),
    kind: id('e.kind'),
    source_type: id('e.source_type'),
    source_id: id('e.source_id'),
    reverses: integer('e.reverses'),
    memo: text('e.memo'),
    ledger_account: id('l.ledger_account'),
    customer_id: id('l.customer_id'),
    currency: id('l.currency'),
    amount: money('l.amount_cents', 'l.currency'),
  },
  rows: linesOf,
  orderBy: 'e.number, l.line',
  totals: (selection) =>
    sql`SELECT l.currency, count(*) AS lines,
        coalesce(sum(l.amount_cents) FILTER (WHERE l.amount_cents > 0), 0) AS debits_cents,
        coalesce(-sum(l.amount_cents) FILTER (WHERE l.amount_cents < 0), 0) AS credits_cents
      ${linesOf(selection)} GROUP BY l.currency ORDER BY l.currency COLLATE "C"`,
});
