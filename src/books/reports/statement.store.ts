import { Sql, sql } from '../../platform/database/sql.js';
import { id, integer, money, text, time } from '../../reports/query/query-columns.js';
import { LINES, isOfCurrency, isPosted, isSelected, type Selection, where } from './selection.js';

/** The columns of a line in a statement, with the balance after it. */
export const STATEMENT_COLUMNS = {
  effective_at: time('s.effective_at'),
  number: integer('s.number'),
  line: integer('s.line'),
  kind: id('s.kind'),
  source_type: id('s.source_type'),
  source_id: id('s.source_id'),
  memo: text('s.memo'),
  ledger_account: id('s.ledger_account'),
  customer_id: id('s.customer_id'),
  currency: id('s.currency'),
  amount: money('s.amount_cents', 's.currency'),
  balance: money('s.balance_cents', 's.currency'),
};

export const STATEMENT_ORDER = 's.effective_at, s.number, s.line';

/**
 * The lines in the interval, each with the balance after it: the sum of the lines before, from the first entry on.
 * @param condition Of the lines `l` that the statement is about.
 * @param by Columns of a line; each combination of their values has a balance of its own.
 */
export function statementLines(
  selection: Selection,
  condition: Sql,
  by: readonly ('ledger_account' | 'currency')[],
): Sql {
  const keys = new Sql(by.map((column) => `l.${column}`).join(', '));
  const isOpening = new Sql(by.map((column) => `o.${column} = l.${column}`).join(' AND '));
  const isMeant = [condition, isOfCurrency('l.currency', selection)] as const;
  return sql`FROM (SELECT e.effective_at, e.number, l.line, e.kind, e.source_type, e.source_id, e.memo, l.ledger_account,
      l.customer_id, l.currency, l.amount_cents, coalesce(o.amount_cents, 0) + sum(l.amount_cents)
        OVER (PARTITION BY ${keys} ORDER BY e.effective_at, e.number, l.line ROWS UNBOUNDED PRECEDING) AS balance_cents
    ${LINES} LEFT JOIN (SELECT ${keys}, sum(l.amount_cents) AS amount_cents ${LINES}
      ${where(isPosted(selection), sql`e.effective_at < ${selection.from}`, ...isMeant)} GROUP BY ${keys}) o ON ${isOpening}
    ${where(isSelected(selection), ...isMeant)}) s`;
}
