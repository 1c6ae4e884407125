import { Injectable } from '@nestjs/common';
import type { Query } from '../../../platform/database/database.js';
import { statement } from '../../../platform/database/named-parameters.js';
import { BLOCK } from './blocks.js';

/** A sum of lines. */
export interface Balance {
  ledgerAccount: string;
  currency: string;
  /** Decimal digits: a sum can exceed 2^53. */
  amountCents: string;
}

/** How far the books of an account reach. */
export interface Extent {
  /** The newest entry; 0 if there is none. */
  lastNumber: number;
  /** Blocks that are folded into the totals. */
  blocks: number;
}

/** Balances, and the number of the newest entry in the snapshot that they were read from. */
export interface Balances {
  lastNumber: number;
  balances: Balance[];
}

const EXTENT_OF = `SELECT
    coalesce((SELECT last_number FROM journal_counters WHERE account_id = :account::uuid), 0) AS last_number,
    coalesce((SELECT blocks FROM journal_folds WHERE account_id = :account::uuid), 0) AS blocks` as const;

const EXTENT = statement('journal_extent', `SELECT last_number AS "lastNumber", blocks FROM (${EXTENT_OF}) extent`);

/**
 * Sums the rows of a query, which may read `extent` and `folded`, the last folded entry. One statement, because folding moves
 * amounts from the lines to the totals, so both must be read in one snapshot.
 * @param name Empty for a statement whose plan depends on its values.
 */
function summed<const Rows extends string>(name: string, rows: Rows) {
  return statement(
    name,
    `WITH extent AS MATERIALIZED (${EXTENT_OF}),
    folded AS MATERIALIZED (SELECT blocks * ${BLOCK} AS number FROM extent),
    sums AS (
      SELECT ledger_account, currency, sum(amount_cents)::text AS amount_cents FROM (${rows}) rows
      GROUP BY ledger_account, currency
    )
    SELECT extent.last_number AS "lastNumber", ledger_account AS "ledgerAccount", currency, amount_cents AS "amountCents"
    FROM extent LEFT JOIN sums ON true ORDER BY ledger_account, currency`,
  );
}

const AMOUNTS = 'SELECT ledger_account, currency, amount_cents FROM' as const;
const FOLDED_NUMBER = '(SELECT number FROM folded)' as const;
const LAST_NUMBER = '(SELECT last_number FROM extent)' as const;

const NOW = summed(
  'journal_balances_now',
  `${AMOUNTS} journal_totals WHERE account_id = :account::uuid
  UNION ALL ${AMOUNTS} journal_lines
    WHERE account_id = :account::uuid AND number > ${FOLDED_NUMBER} AND number <= ${LAST_NUMBER}`,
);

const FOLDED_BEFORE = `(SELECT least(blocks, :through::bigint / ${BLOCK}) FROM extent)` as const;

const THROUGH = summed(
  '',
  `${AMOUNTS} journal_block_totals WHERE account_id = :account::uuid AND block < ${FOLDED_BEFORE}
  UNION ALL ${AMOUNTS} journal_lines
    WHERE account_id = :account::uuid AND number > ${FOLDED_BEFORE} * ${BLOCK} AND number <= :through::bigint`,
);

// OFFSET 0 keeps the planner from joining with all lines when it overestimates the entries: each entry is a probe.
const LINES_OF_ENTRIES = `SELECT l.ledger_account, l.currency, l.amount_cents
  FROM journal_entries e CROSS JOIN LATERAL (
    SELECT ledger_account, currency, amount_cents FROM journal_lines
    WHERE account_id = e.account_id AND number = e.number OFFSET 0
  ) l
  WHERE e.account_id = :account::uuid AND e.effective_at <= :asOf::timestamptz` as const;

const AS_OF = summed(
  '',
  `${AMOUNTS} journal_day_totals WHERE account_id = :account::uuid AND day < :day::date
  UNION ALL ${AMOUNTS} journal_hour_totals
    WHERE account_id = :account::uuid AND hour >= :midnight::timestamptz AND hour < :hour::timestamptz
  UNION ALL ${LINES_OF_ENTRIES} AND e.effective_at >= :hour::timestamptz AND e.number <= ${FOLDED_NUMBER}
  UNION ALL ${LINES_OF_ENTRIES} AND e.number > ${FOLDED_NUMBER} AND e.number <= ${LAST_NUMBER}`,
);

/** Of the pairs given, those without a total; and all balances that there are. */
const NEW_PAIRS = statement(
  'journal_new_pairs',
  `SELECT count(*) AS count FROM (SELECT DISTINCT * FROM unnest(:ledgerAccounts::text[], :currencies::text[])) AS g (l, c)
    WHERE NOT EXISTS (SELECT FROM journal_totals t
      WHERE t.account_id = :account::uuid AND t.ledger_account = g.l AND t.currency = g.c)`,
);

/**
 * Sums the lines of the journal. Hand-written SQL, because each sum combines totals of folded entries with the lines of the
 * others, and must read few rows of both.
 */
@Injectable()
export class BalancesStore {
  async extent(query: Query, account: string): Promise<Extent> {
    const rows: Extent[] = await query(EXTENT, { account });
    return rows[0]!;
  }

  /** @returns The balances after all entries, by ledger account and currency. */
  async now(query: Query, account: string): Promise<Balances> {
    return read(await query(NOW, { account }));
  }

  /** @returns The balances after an entry, by ledger account and currency. */
  async through(query: Query, account: string, number: number): Promise<Balances> {
    return read(await query(THROUGH, { account, through: number }));
  }

  /** @returns The balances of the entries that count at a time or before, by ledger account and currency. */
  async asOf(query: Query, account: string, asOf: Date): Promise<Balances> {
    const time = asOf.toISOString();
    const day = time.slice(0, 10);
    const values = { account, asOf, day, midnight: `${day}T00:00:00Z`, hour: `${time.slice(0, 13)}:00:00Z` };
    return read(await query(AS_OF, values));
  }

  /** @returns How many of these balances have no total yet. Of entries that are not folded none has. */
  async countNew(query: Query, account: string, pairs: readonly Omit<Balance, 'amountCents'>[]): Promise<number> {
    const ledgerAccounts = pairs.map(({ ledgerAccount }) => ledgerAccount);
    const currencies = pairs.map(({ currency }) => currency);
    const rows: { count: number }[] = await query(NEW_PAIRS, { account, ledgerAccounts, currencies });
    return rows[0]!.count;
  }
}

/** The rows repeat the extent. Without balances there is one row, which has only the extent. */
function read(rows: (Balance & { lastNumber: number })[]): Balances {
  return { lastNumber: rows[0]!.lastNumber, balances: rows.filter(({ ledgerAccount }) => ledgerAccount !== null) };
}
