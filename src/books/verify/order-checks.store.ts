import { CANCELLED, PAID, SOURCE_TYPE } from '../orders/order-entries.js';
import { type Check, checked } from './check.js';

/** Whether an order has posted its payment. An order of 0 cents posts nothing. */
const IS_PAID = 'o.paid_at IS NOT NULL AND o.total_cents > 0';
const IS_REVERSED = `${IS_PAID} AND o.status = 'cancelled'`;

const TOTAL = `SELECT o.account_id, format('order %s has total_cents %s, and its %s items sum to %s', o.id, o.total_cents,
    count(i.id), coalesce(sum(i.line_total_cents), 0)) AS detail
  FROM orders o LEFT JOIN order_items i ON i.order_id = o.id WHERE ${checked('o')}
  GROUP BY o.id HAVING count(i.id) = 0 OR sum(i.line_total_cents) <> o.total_cents`;

const NOT_POSTED = `SELECT o.account_id, format('order %s has no entry %s', o.id, o.kind) AS detail
  FROM (
    SELECT o.account_id, o.id, '${PAID}' AS kind FROM orders o WHERE ${IS_PAID} AND ${checked('o')}
    UNION ALL
    SELECT o.account_id, o.id, '${CANCELLED}' FROM orders o WHERE ${IS_REVERSED} AND ${checked('o')}
  ) o
  WHERE NOT EXISTS (
    SELECT FROM journal_entries e
    WHERE e.account_id = o.account_id AND e.source_type = '${SOURCE_TYPE}' AND e.source_id = o.id AND e.kind = o.kind
  )`;

const POSTED_TWICE = `SELECT e.account_id, format('%s %s has %s entries %s: %s', e.source_type, e.source_id, count(*), e.kind,
    string_agg(e.number::text, ', ' ORDER BY e.number)) AS detail
  FROM journal_entries e WHERE e.source_id IS NOT NULL AND ${checked('e')}
  GROUP BY e.account_id, e.source_type, e.source_id, e.kind HAVING count(*) > 1`;

/**
 * Finds entries without a known source, those that name an order of another account, and those that look like an order's.
 * @param others `source_type` of the entries that other checks compare.
 */
const unknownSource = (others: readonly string[]): string => `SELECT e.account_id, CASE
      WHEN e.source_type IS NULL THEN format('entry %s is %s and names no order', e.number, e.kind)
      WHEN e.source_type <> '${SOURCE_TYPE}'
        THEN format('entry %s (%s) names a source of an unknown type, %s', e.number, e.kind, e.source_type)
      WHEN o.id IS NULL THEN format('entry %s (%s) names order %s, which does not exist', e.number, e.kind, e.source_id)
      ELSE format('entry %s (%s) names order %s, which is %s and does not post it', e.number, e.kind, o.id, o.status)
    END AS detail
  FROM journal_entries e LEFT JOIN orders o ON o.account_id = e.account_id AND o.id = e.source_id
  WHERE (e.source_type IS NOT NULL OR e.kind LIKE '${SOURCE_TYPE}.%') AND ${checked('e')}
    AND (e.source_type IS NULL OR e.source_type <> ALL (ARRAY[${others.map((type) => `'${type}'`).join(', ')}]::text[]))
    AND (o.id IS NULL OR e.source_type IS DISTINCT FROM '${SOURCE_TYPE}'
      OR NOT CASE e.kind WHEN '${PAID}' THEN ${IS_PAID} WHEN '${CANCELLED}' THEN ${IS_REVERSED} ELSE false END)`;

const linesOf = (number: string): string => `(SELECT string_agg(
    format('%s %s %s of %s', l.ledger_account, l.currency, l.amount_cents, coalesce(l.customer_id::text, 'no customer')),
    ', ' ORDER BY l.line) FROM journal_lines l WHERE l.account_id = wrong.account_id AND l.number = ${number})`;

/** The amounts, currency, customer and time of each order's entries, and the entry that a cancellation reverses. */
const WRONG_ENTRY = `SELECT account_id, format('entry %s (%s) of order %s should be effective at %s, reverse %s, and move %s %s of %s '
      'from income:orders to assets:cash; it is effective at %s, reverses %s, and has %s', number, kind, id, due_at,
      coalesce(due_reverses::text, 'nothing'), currency, due_cents, customer_id, effective_at,
      coalesce(reverses::text, 'nothing'), ${linesOf('wrong.number')}) AS detail
  FROM (
    SELECT e.account_id, e.number, e.kind, e.effective_at, e.reverses, o.id, o.currency, o.customer_id, due.*
    FROM journal_entries e JOIN orders o ON o.account_id = e.account_id AND o.id = e.source_id
      LEFT JOIN journal_entries p ON p.account_id = e.account_id AND p.source_id = e.source_id AND p.kind = '${PAID}'
      CROSS JOIN LATERAL (
        SELECT CASE e.kind WHEN '${PAID}' THEN o.paid_at ELSE o.cancelled_at END AS due_at,
          CASE e.kind WHEN '${PAID}' THEN NULL ELSE p.number END AS due_reverses,
          CASE e.kind WHEN '${PAID}' THEN o.total_cents ELSE -o.total_cents END AS due_cents
      ) due
      JOIN journal_lines l ON l.account_id = e.account_id AND l.number = e.number
    WHERE e.source_type = '${SOURCE_TYPE}' AND e.kind IN ('${PAID}', '${CANCELLED}') AND ${checked('e')}
    GROUP BY e.account_id, e.number, o.id, due_at, due_reverses, due_cents
    HAVING count(*) <> 2 OR bool_or(l.currency <> o.currency) OR bool_or(l.customer_id IS DISTINCT FROM o.customer_id)
      OR count(*) FILTER (WHERE l.ledger_account = 'assets:cash' AND l.amount_cents = due_cents) <> 1
      OR count(*) FILTER (WHERE l.ledger_account = 'income:orders' AND l.amount_cents = -due_cents) <> 1
      OR e.effective_at IS DISTINCT FROM due_at OR e.reverses IS DISTINCT FROM due_reverses
  ) wrong`;

/**
 * The orders against their items and against the journal.
 * @param others `source_type` of the other records that post entries.
 */
export const orderChecks = (others: readonly string[]): Check[] => [
  { name: 'order-total', findings: TOTAL },
  { name: 'order-not-posted', findings: NOT_POSTED },
  { name: 'posted-twice', findings: POSTED_TWICE },
  { name: 'unknown-source', findings: unknownSource(others) },
  { name: 'order-entry', findings: WRONG_ENTRY },
];
