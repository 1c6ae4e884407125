import { Injectable } from '@nestjs/common';
import type { Query, Statement } from '../../../platform/database/database.js';
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

const EXTENT = statement(
  'journal_extent',
  `SELECT coalesce((SELECT last_number FROM journal_counters WHERE account_id = :account::uuid), 0) AS "lastNumber",
    coalesce((SELECT blocks FROM journal_folds WHERE account_id = :account::uuid), 0) AS blocks`,
);

/** Sums the rows of a query. Not prepared: the ranges of numbers decide about the plan. */
function summed<const Rows extends string>(rows: Rows) {
  return statement(
    '',
    `SELECT ledger_account AS "ledgerAccount", currency, sum(amount_cents)::text AS "amountCents"
      FROM (${rows}) rows GROUP BY ledger_account, currency ORDER BY ledger_account, currency`,
  );
}

const AMOUNTS = 'SELECT ledger_account, currency, amount_cents FROM' as const;
const LINES = `${AMOUNTS} journal_lines
  WHERE account_id = :account::uuid AND number > :folded::bigint AND number <= :last::bigint` as const;

const NOW = summed(`${AMOUNTS} journal_totals WHERE account_id = :account::uuid UNION ALL ${LINES}`);

const THROUGH = summed(`${AMOUNTS} journal_block_totals WHERE account_id = :account::uuid AND block < :blocks::bigint
  UNION ALL ${LINES}`);

// OFFSET 0 keeps the planner from joining with all lines when it overestimates the entries: each entry is a probe.
const LINES_OF_ENTRIES = `SELECT l.ledger_account, l.currency, l.amount_cents
  FROM journal_entries e CROSS JOIN LATERAL (
    SELECT ledger_account, currency, amount_cents FROM journal_lines
    WHERE account_id = e.account_id AND number = e.number OFFSET 0
  ) l
  WHERE e.account_id = :account::uuid AND e.effective_at <= :asOf::timestamptz` as const;

const AS_OF = summed(`${AMOUNTS} journal_day_totals WHERE account_id = :account::uuid AND day < :day::date
  UNION ALL ${LINES_OF_ENTRIES} AND e.effective_at >= :midnight::timestamptz AND e.number <= :folded::bigint
  UNION ALL ${LINES_OF_ENTRIES} AND e.number > :folded::bigint`);

/** Of the pairs given, those without a total; and all balances that there are. */
const NEW_PAIRS = statement(
  'journal_new_pairs',
  `SELECT count(*) AS count FROM (SELECT DISTINCT * FROM unnest(:ledgerAccounts::text[], :currencies::text[])) AS g (l, c)
    WHERE NOT EXISTS (SELECT FROM journal_totals t
      WHERE t.account_id = :account::uuid AND t.ledger_account = g.l AND t.currency = g.c)`,
);

/** Begins a read that sees the totals, their extent and the lines at one time. */
const SNAPSHOT: Statement = { name: '', text: 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY' };

/**
 * Sums the lines of the journal. Hand-written SQL, because each sum combines totals of folded entries with the lines of the
 * others, and must read few rows of both. Call the sums in a transaction that began with {@link freeze}: folding moves
 * amounts from the lines to the totals.
 */
@Injectable()
export class BalancesStore {
  /** Lets all statements of a transaction see the same state. The first of the transaction. */
  async freeze(query: Query): Promise<void> {
    await query(SNAPSHOT);
  }

  async extent(query: Query, account: string): Promise<Extent> {
    const rows: Extent[] = await query(EXTENT, { account });
    return rows[0]!;
  }

  /** @returns The balances after all entries, by ledger account and currency. */
  now(query: Query, account: string, { lastNumber, blocks }: Extent): Promise<Balance[]> {
    return query(NOW, { account, folded: blocks * BLOCK, last: lastNumber });
  }

  /** @returns The balances after an entry, by ledger account and currency. */
  through(query: Query, account: string, extent: Extent, number: number): Promise<Balance[]> {
    const blocks = Math.min(extent.blocks, Math.floor(number / BLOCK));
    return query(THROUGH, { account, blocks, folded: blocks * BLOCK, last: number });
  }

  /** @returns The balances of the entries that count at a time or before, by ledger account and currency. */
  asOf(query: Query, account: string, { blocks }: Extent, asOf: Date): Promise<Balance[]> {
    const day = asOf.toISOString().slice(0, 10);
    return query(AS_OF, { account, asOf, day, midnight: `${day}T00:00:00Z`, folded: blocks * BLOCK });
  }

  /** @returns How many of these balances have no total yet. Of entries that are not folded none has. */
  async countNew(query: Query, account: string, pairs: readonly Omit<Balance, 'amountCents'>[]): Promise<number> {
    const ledgerAccounts = pairs.map(({ ledgerAccount }) => ledgerAccount);
    const currencies = pairs.map(({ currency }) => currency);
    const rows: { count: number }[] = await query(NEW_PAIRS, { account, ledgerAccounts, currencies });
    return rows[0]!.count;
  }
}
