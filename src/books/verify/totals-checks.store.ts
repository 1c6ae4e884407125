import { BLOCK } from '../journal/balances/blocks.js';
import { type Check, checked } from './check.js';

/** The totals of customers, counted again from their orders. */
export const COUNTED = `SELECT o.account_id, o.customer_id, o.currency, count(*) AS order_count, sum(o.total_cents) AS total_cents
  FROM orders o WHERE NOT o.is_archived AND o.status IN ('paid', 'shipped') AND ${checked('o')}
  GROUP BY o.account_id, o.customer_id, o.currency`;

/** The lines of folded blocks, added up again by block and hour. */
export const FOLDED = `SELECT f.account_id, (l.number - 1) / ${BLOCK} AS block, (e.effective_at AT TIME ZONE 'UTC')::date AS day,
    date_trunc('hour', e.effective_at, 'UTC') AS hour, l.ledger_account, l.currency, sum(l.amount_cents) AS amount_cents
  FROM journal_folds f JOIN journal_lines l ON l.account_id = f.account_id AND l.number <= f.blocks * ${BLOCK}
    JOIN journal_entries e ON e.account_id = l.account_id AND e.number = l.number
  WHERE ${checked('f')} GROUP BY 1, 2, 3, 4, 5, 6`;

const CUSTOMER_TOTALS = `SELECT account_id, format('customer %s has %s orders of %s %s; the totals say %s of %s', customer_id,
    coalesce(c.order_count, 0), currency, coalesce(c.total_cents, 0), coalesce(t.order_count, 0), coalesce(t.total_cents, 0))
    AS detail
  FROM (${COUNTED}) c FULL JOIN (SELECT * FROM customer_totals t WHERE ${checked('t')}) t
    USING (account_id, customer_id, currency)
  WHERE coalesce(c.order_count, 0) <> coalesce(t.order_count, 0) OR coalesce(c.total_cents, 0) <> coalesce(t.total_cents, 0)`;

const CUSTOMER_ACTIVE = `SELECT t.account_id, format('customer %s is %s; the totals in %s say it is %s', c.id,
    CASE WHEN c.is_active THEN 'active' ELSE 'inactive' END, t.currency,
    CASE WHEN t.is_active THEN 'active' ELSE 'inactive' END) AS detail
  FROM customer_totals t JOIN customers c ON c.account_id = t.account_id AND c.id = t.customer_id
  WHERE c.is_active <> t.is_active AND ${checked('t')}`;

/** @param key The columns of a table of folded totals besides the account, the ledger account and the currency. */
const differing = (table: string, key: string | null): string => {
  const columns = ['account_id', ...(key ? [key] : []), 'ledger_account', 'currency'].join(', ');
  const of = key ? `'of ${key} ' || ${key}` : `'over all folded blocks'`;
  return `SELECT account_id, format('${table} says %s for %s %s %s; the lines sum to %s', coalesce(t.amount_cents, 0), currency,
      ledger_account, ${of}, coalesce(f.amount_cents, 0)) AS detail
    FROM (SELECT ${columns}, sum(amount_cents) AS amount_cents FROM folded GROUP BY ${columns}) f
      FULL JOIN (SELECT * FROM ${table} t WHERE ${checked('t')}) t USING (${columns})
    WHERE coalesce(t.amount_cents, 0) <> coalesce(f.amount_cents, 0)`;
};

const FOLDED_TOTALS = `WITH folded AS MATERIALIZED (${FOLDED})
  ${differing('journal_block_totals', 'block')}
  UNION ALL ${differing('journal_day_totals', 'day')}
  UNION ALL ${differing('journal_hour_totals', 'hour')}
  UNION ALL ${differing('journal_totals', null)}
  UNION ALL
  SELECT f.account_id, format('%s blocks are folded, and the newest entry is %s', f.blocks, coalesce(c.last_number, 0))
  FROM journal_folds f LEFT JOIN journal_counters c USING (account_id)
  WHERE f.blocks * ${BLOCK} > coalesce(c.last_number, 0) AND ${checked('f')}`;

/** The totals that are kept beside the rows that they add up. */
export const TOTALS_CHECKS: readonly Check[] = [
  { name: 'customer-totals', findings: CUSTOMER_TOTALS },
  { name: 'customer-active', findings: CUSTOMER_ACTIVE },
  { name: 'folded-totals', findings: FOLDED_TOTALS },
];
