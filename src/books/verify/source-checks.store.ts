import { type Check, checked } from './check.js';

/** A kind of record outside the books that posts entries, with the entries that its records should have and further checks. */
export interface PostingSource {
  /** `source_type` of its entries, such as `booking`. */
  type: string;
  /** The kinds of its entries begin with this and a dot, such as `ticket`. */
  noun: string;
  /**
   * SQL that selects the entries that the records should have: `account_id, source_id, kind, effective_at, reverses_kind` (the
   * kind of the entry of the same record that it reverses, or null), `currency, debit, credit` (ledger accounts) and `cents`.
   * `$1` is the account to check, or null for all.
   */
  due: string;
  /** Checks of the records against each other. */
  checks: readonly Check[];
}

/** Returns the checks of a source: its records against the journal, and its own. */
export function checksOf({ type, noun, due, checks }: PostingSource): Check[] {
  const notPosted = `SELECT d.account_id, format('${type} %s has no entry %s', d.source_id, d.kind) AS detail
    FROM (${due}) d WHERE NOT EXISTS (
      SELECT FROM journal_entries e
      WHERE e.account_id = d.account_id AND e.source_type = '${type}' AND e.source_id = d.source_id AND e.kind = d.kind
    )`;
  const unexpected = `SELECT e.account_id, CASE WHEN e.source_id IS NULL THEN format('entry %s is %s and names no ${type}', e.number, e.kind)
      ELSE format('entry %s (%s) names ${type} %s, which does not post it', e.number, e.kind, e.source_id) END AS detail
    FROM journal_entries e LEFT JOIN (${due}) d
      ON d.account_id = e.account_id AND d.source_id = e.source_id AND d.kind = e.kind
    WHERE (e.source_type = '${type}' OR e.source_type IS NULL AND e.kind LIKE '${noun}.%') AND ${checked('e')}
      AND d.source_id IS NULL`;
  return [
    { name: `${type}-not-posted`, findings: notPosted },
    { name: `${type}-unexpected`, findings: unexpected },
    { name: `${type}-entry`, findings: wrongEntry(type, due) },
    ...checks,
  ];
}

const LINES = `(SELECT string_agg(format('%s %s %s', l.ledger_account, l.currency, l.amount_cents), ', ' ORDER BY l.line)
  FROM journal_lines l WHERE l.account_id = wrong.account_id AND l.number = wrong.number)`;

/** Checks the amounts, accounts, currency and time of each entry, and the entry that it reverses. */
const wrongEntry = (type: string, due: string): string =>
  `SELECT account_id, format('entry %s (%s) of ${type} %s should be effective at %s, reverse %s, and move %s %s from %s to %s; '
      'it is effective at %s, reverses %s, and has %s', number, kind, source_id, due_at, coalesce(due_reverses::text, 'nothing'),
      currency, cents, credit, debit, effective_at, coalesce(reverses::text, 'nothing'), coalesce(${LINES}, 'no lines')) AS detail
  FROM (
    SELECT e.account_id, e.number, e.kind, e.source_id, e.effective_at, e.reverses, d.effective_at AS due_at,
      p.number AS due_reverses, d.currency, d.cents, d.credit, d.debit
    FROM (${due}) d
      JOIN journal_entries e ON e.account_id = d.account_id AND e.source_type = '${type}' AND e.source_id = d.source_id
        AND e.kind = d.kind
      LEFT JOIN journal_entries p ON p.account_id = d.account_id AND p.source_id = d.source_id AND p.kind = d.reverses_kind
      LEFT JOIN journal_lines l ON l.account_id = e.account_id AND l.number = e.number
    GROUP BY e.account_id, e.number, d.effective_at, p.number, d.currency, d.cents, d.credit, d.debit
    HAVING count(*) <> 2 OR bool_or(l.currency IS DISTINCT FROM d.currency)
      OR count(*) FILTER (WHERE l.ledger_account = d.debit AND l.amount_cents = d.cents) <> 1
      OR count(*) FILTER (WHERE l.ledger_account = d.credit AND l.amount_cents = -d.cents) <> 1
      OR e.effective_at IS DISTINCT FROM d.effective_at OR e.reverses IS DISTINCT FROM p.number
  ) wrong`;
