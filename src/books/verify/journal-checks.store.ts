import { type Check, checked } from './check.js';

const ENTRY_BALANCE = `SELECT l.account_id, format('the %s lines of entry %s sum to %s', l.currency, l.number, sum(l.amount_cents))
    AS detail
  FROM journal_lines l WHERE ${checked('l')}
  GROUP BY l.account_id, l.number, l.currency HAVING sum(l.amount_cents) <> 0`;

const CURRENCY_BALANCE = `SELECT l.account_id, format('all %s lines sum to %s', l.currency, sum(l.amount_cents)) AS detail
  FROM journal_lines l WHERE ${checked('l')} GROUP BY l.account_id, l.currency HAVING sum(l.amount_cents) <> 0`;

const LINES = `SELECT e.account_id, format('entry %s has no lines', e.number) AS detail
  FROM journal_entries e WHERE ${checked('e')}
    AND NOT EXISTS (SELECT FROM journal_lines l WHERE l.account_id = e.account_id AND l.number = e.number)
  UNION ALL
  SELECT l.account_id, format('line %s of entry %s has no entry', l.line, l.number)
  FROM journal_lines l WHERE ${checked('l')}
    AND NOT EXISTS (SELECT FROM journal_entries e WHERE e.account_id = l.account_id AND e.number = l.number)`;

const NUMBERS = `SELECT account_id, CASE WHEN number - before = 2 THEN format('entry %s is missing', before + 1)
      ELSE format('the entries %s to %s are missing', before + 1, number - 1) END AS detail
  FROM (
    SELECT e.account_id, e.number, lag(e.number, 1, 0::bigint) OVER (PARTITION BY e.account_id ORDER BY e.number) AS before
    FROM journal_entries e WHERE ${checked('e')}
  ) numbers WHERE number <> before + 1`;

const COUNTER = `SELECT account_id, format('the counter is at %s of %s, and the newest entry is %s of %s',
    coalesce(c.last_number::text, 'none'), coalesce(c.last_recorded_at::text, 'no time'), coalesce(e.number::text, 'none'),
    coalesce(e.recorded_at::text, 'no time')) AS detail
  FROM (SELECT * FROM journal_counters c WHERE ${checked('c')}) c FULL JOIN (
    SELECT e.account_id, max(e.number) AS number, max(e.recorded_at) AS recorded_at
    FROM journal_entries e WHERE ${checked('e')} GROUP BY e.account_id
  ) e USING (account_id)
  WHERE coalesce(c.last_number, 0) <> coalesce(e.number, 0) OR c.last_recorded_at < e.recorded_at`;

const RECORDED_AT = `SELECT account_id, format('entry %s was recorded at %s, before the entry before it (%s)', number, recorded_at,
    before) AS detail
  FROM (
    SELECT e.account_id, e.number, e.recorded_at,
      lag(e.recorded_at) OVER (PARTITION BY e.account_id ORDER BY e.number) AS before
    FROM journal_entries e WHERE ${checked('e')}
  ) times WHERE recorded_at < before`;

const CLOSED_PERIOD = `SELECT e.account_id, format('entry %s, effective at %s, was recorded at %s, after %s was closed at %s',
    e.number, e.effective_at, e.recorded_at, to_char(p.month, 'YYYY-MM'), p.closed_at) AS detail
  FROM closed_periods p JOIN journal_entries e ON e.account_id = p.account_id
    AND e.effective_at >= p.month::timestamp AT TIME ZONE 'UTC'
    AND e.effective_at < (p.month + interval '1 month') AT TIME ZONE 'UTC'
  WHERE e.recorded_at > p.closed_at AND ${checked('p')}`;

const REVERSAL = `SELECT DISTINCT account_id, format('entry %s does not undo entry %s, which it reverses', number, reverses) AS detail
  FROM (
    SELECT e.account_id, e.number, e.reverses
    FROM journal_entries e CROSS JOIN LATERAL (VALUES (e.number), (e.reverses)) AS pair (number)
      JOIN journal_lines l ON l.account_id = e.account_id AND l.number = pair.number
    WHERE e.reverses IS NOT NULL AND ${checked('e')}
    GROUP BY e.account_id, e.number, l.ledger_account, l.currency, l.customer_id HAVING sum(l.amount_cents) <> 0
  ) wrong`;

/** The journal against its own rules. The database enforces them; this finds changes that went around it. */
export const JOURNAL_CHECKS: readonly Check[] = [
  { name: 'entry-balance', findings: ENTRY_BALANCE },
  { name: 'currency-balance', findings: CURRENCY_BALANCE },
  { name: 'entry-lines', findings: LINES },
  { name: 'entry-numbers', findings: NUMBERS },
  { name: 'counter', findings: COUNTER },
  { name: 'recorded-at', findings: RECORDED_AT },
  { name: 'closed-period', findings: CLOSED_PERIOD },
  { name: 'reversal', findings: REVERSAL },
];
