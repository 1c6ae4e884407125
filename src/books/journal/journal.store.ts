import { Injectable } from '@nestjs/common';
import type { Query } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import type { NewEntry, Posted } from './journal-entry.js';
import { EntryNotReversible, PeriodClosed } from './journal.errors.js';

/**
 * Locks the account's counter and increases it. The expressions of the update read the row after it is locked.
 * @param added The row to add: the account, a count of entries, the time.
 * @param count The same count.
 */
const numbered = <const Added extends string, const Count extends string>(added: Added, count: Count) =>
  `INSERT INTO journal_counters AS c (account_id, last_number, last_recorded_at) ${added}
    ON CONFLICT (account_id) DO UPDATE SET last_number = c.last_number + excluded.last_number,
      last_recorded_at = greatest(c.last_recorded_at, clock_timestamp())
    RETURNING last_number - ${count} AS base, last_recorded_at AS recorded_at` as const;

const NUMBERED = numbered('VALUES (:account::uuid, :count::bigint, clock_timestamp())', ':count::bigint');

const POST = statement(
  'journal_post',
  `WITH counter AS (${NUMBERED}), entries AS (
    INSERT INTO journal_entries (account_id, number, effective_at, recorded_at, kind, source_type, source_id, memo, reverses)
    SELECT :account::uuid, counter.base + e.ord, coalesce(e.effective_at, counter.recorded_at), counter.recorded_at, e.kind,
      e.source_type, e.source_id, e.memo, e.reverses
    FROM counter, unnest(:effectiveAt::timestamptz[], :kind::text[], :sourceType::text[], :sourceId::uuid[], :memo::text[],
      :reverses::bigint[]) WITH ORDINALITY AS e (effective_at, kind, source_type, source_id, memo, reverses, ord)
  ), lines AS (
    INSERT INTO journal_lines (account_id, number, line, ledger_account, currency, amount_cents, customer_id)
    SELECT :account::uuid, counter.base + l.entry, l.line, l.ledger_account, l.currency, l.amount_cents, l.customer_id
    FROM counter, unnest(:entry::integer[], :line::integer[], :ledgerAccount::text[], :currency::text[],
      :amountCents::bigint[], :customerId::uuid[]) AS l (entry, line, ledger_account, currency, amount_cents, customer_id)
  )
  SELECT base, recorded_at AS "recordedAt" FROM counter`,
);

const FIND_NUMBER = statement(
  'journal_find_number',
  `SELECT number FROM journal_entries WHERE source_id = :sourceId AND kind = :kind AND account_id = :account`,
);

const TAKE_NUMBERS = statement('journal_take_numbers', NUMBERED);

const REVERSE_ALL = statement(
  'journal_reverse_all',
  `WITH undone AS MATERIALIZED (
    SELECT e.number, e.source_type, e.source_id, row_number() OVER (ORDER BY e.number) AS ord
    FROM journal_entries e
    WHERE e.source_id = ANY (:sourceIds::uuid[]) AND e.kind = :kind AND e.account_id = :account::uuid
  ), counter AS (
    ${numbered('SELECT :account::uuid, count(*), clock_timestamp() FROM undone HAVING count(*) > 0', '(SELECT count(*) FROM undone)')}
  ), entries AS (
    INSERT INTO journal_entries (account_id, number, effective_at, recorded_at, kind, source_type, source_id, reverses)
    SELECT :account::uuid, counter.base + undone.ord, :effectiveAt::timestamptz, counter.recorded_at, :reversalKind,
      undone.source_type, undone.source_id, undone.number FROM counter, undone
  ), lines AS (
    INSERT INTO journal_lines (account_id, number, line, ledger_account, currency, amount_cents, customer_id)
    SELECT :account::uuid, counter.base + undone.ord, l.line, l.ledger_account, l.currency, -l.amount_cents, l.customer_id
    FROM counter, undone JOIN journal_lines l ON l.account_id = :account::uuid AND l.number = undone.number
  )
  SELECT count(*) AS count FROM undone`,
);

/** The entries of many sources that are reversed at once. */
export interface Reversals {
  /** Of the entries to reverse. */
  kind: string;
  /** Of the entries that reverse them. */
  reversalKind: string;
  sourceIds: readonly string[];
  /** The time at which the reversals count; its month must be open. */
  effectiveAt: Date;
}

interface Counter {
  base: number;
  recordedAt: Date;
}

/**
 * Posts entries. Hand-written SQL, because the order of the numbers depends on it: one statement locks the account's counter,
 * numbers the entries and inserts them. The counter stays locked until the commit, so numbers follow the order of commits
 * and have no gaps. The triggers of the tables check what is posted, behind that lock.
 */
@Injectable()
export class JournalStore {
  /**
   * Posts entries in their order. Call it last in a transaction: it locks the counter of the account until the commit.
   * @param query Of the caller's transaction.
   * @param account Of the books, see `storedAccount`.
   * @returns For each entry its number and time of recording; null for one without amounts, which is not posted.
   * @throws PeriodClosed, EntryNotReversible when another entry reverses the same one
   */
  async post(query: Query, account: string, entries: readonly NewEntry[]): Promise<(Posted | null)[]> {
    const posted = entries.map((entry) => ({ ...entry, lines: entry.lines.filter((line) => line.amountCents !== 0) }));
    const filled = posted.filter(({ lines }) => lines.length > 0);
    if (filled.length === 0) return entries.map(() => null);
    const { base, recordedAt } = await insert(query, account, filled);
    let number = base;
    return posted.map(({ lines }) => (lines.length > 0 ? { number: ++number, recordedAt } : null));
  }

  /** @returns The number of the entry of a kind that a source, such as an order, has posted; null if there is none. */
  async findNumber(query: Query, account: string, sourceId: string, kind: string): Promise<number | null> {
    const rows: { number: number }[] = await query(FIND_NUMBER, { account, sourceId, kind });
    return rows[0]?.number ?? null;
  }

  /**
   * Posts the reversals of the entries that sources have posted, in one statement. A source without an entry of the kind is
   * left out. It locks the counter as {@link post} does.
   * @returns The number of reversals.
   * @throws PeriodClosed, EntryNotReversible
   */
  async reverseAll(query: Query, account: string, reversals: Reversals): Promise<number> {
    try {
      const rows: { count: number }[] = await query(REVERSE_ALL, { account, ...reversals });
      return rows[0]!.count;
    } catch (error) {
      throw postingError(error);
    }
  }

  /**
   * Takes consecutive numbers for entries that the caller inserts itself in the same transaction, in bulk. It locks the
   * counter as {@link post} does.
   * @param count Of entries, at least 1.
   * @returns The number before the first, and the time of recording of all of them.
   */
  async takeNumbers(query: Query, account: string, count: number): Promise<Counter> {
    const rows: { base: number; recorded_at: Date }[] = await query(TAKE_NUMBERS, { account, count });
    return { base: rows[0]!.base, recordedAt: rows[0]!.recorded_at };
  }
}

async function insert(query: Query, account: string, entries: readonly NewEntry[]): Promise<Counter> {
  const values = { account, count: entries.length, ...entryColumns(entries), ...lineColumns(entries) };
  try {
    const rows: Counter[] = await query(POST, values);
    return rows[0]!;
  } catch (error) {
    throw postingError(error);
  }
}

function entryColumns(entries: readonly NewEntry[]) {
  return {
    effectiveAt: entries.map(({ effectiveAt }) => effectiveAt),
    kind: entries.map(({ kind }) => kind),
    sourceType: entries.map(({ source }) => source?.type ?? null),
    sourceId: entries.map(({ source }) => source?.id ?? null),
    memo: entries.map(({ memo }) => memo ?? null),
    reverses: entries.map(({ reverses }) => reverses ?? null),
  };
}

function lineColumns(entries: readonly NewEntry[]) {
  const lines = entries.flatMap((entry, index) =>
    entry.lines.map((line, place) => ({ ...line, entry: index + 1, line: place + 1 })),
  );
  return {
    entry: lines.map(({ entry }) => entry),
    line: lines.map(({ line }) => line),
    ledgerAccount: lines.map(({ ledgerAccount }) => ledgerAccount),
    currency: lines.map(({ currency }) => currency),
    amountCents: lines.map(({ amountCents }) => amountCents),
    customerId: lines.map(({ customerId }) => customerId ?? null),
  };
}

/** Maps the errors of the tables' triggers and keys that a caller can cause. Also for callers that insert entries themselves. */
export function postingError(error: unknown): unknown {
  const { code, constraint, message } = error as { code?: string; constraint?: string; message: string };
  if (code === 'DBK01') return new PeriodClosed(message);
  if (constraint === 'journal_entries_reversal') return new EntryNotReversible('The entry is already reversed.');
  return error;
}
