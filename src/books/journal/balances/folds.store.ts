import { Injectable } from '@nestjs/common';
import { Database, type Query } from '../../../platform/database/database.js';
import { statement } from '../../../platform/database/named-parameters.js';
import { BLOCK, completeBlocks } from './blocks.js';

/** Blocks that one transaction folds. */
const BLOCKS_AT_ONCE = 16;

/** One row for each account with books. Those with most to fold come first. */
const BEHIND = statement(
  'journal_behind',
  `SELECT c.account_id AS account FROM journal_counters c LEFT JOIN journal_folds f USING (account_id)
    WHERE c.last_number / ${BLOCK} > coalesce(f.blocks, 0)
    ORDER BY c.last_number - ${BLOCK} * coalesce(f.blocks, 0) DESC LIMIT :limit::integer`,
);

const BEGIN = statement(
  'journal_fold_begin',
  'INSERT INTO journal_folds (account_id) VALUES (:account::uuid) ON CONFLICT DO NOTHING',
);

/** The row lock is the lease of the account's folding. */
const LEASE = statement(
  'journal_fold_lease',
  `SELECT f.blocks, c.last_number AS "lastNumber" FROM journal_folds f JOIN journal_counters c USING (account_id)
    WHERE f.account_id = :account::uuid FOR UPDATE OF f SKIP LOCKED`,
);

/**
 * For the fold alone. Until new entries are analyzed, the planner expects one of them in the range. It then joins lines and entries
 * by a nested loop over both ranges, and a fold of 16 blocks takes a minute.
 */
const NO_NESTED_LOOP = statement('journal_fold_plan', `SELECT set_config('enable_nestloop', 'off', true)`);

/** Not prepared: the range of numbers decides about the plan. */
const FOLD = statement(
  '',
  `WITH folded AS (
    SELECT (l.number - 1) / ${BLOCK} AS block, date_trunc('hour', e.effective_at, 'UTC') AS hour, l.ledger_account,
      l.currency, sum(l.amount_cents) AS amount_cents
    FROM journal_lines l JOIN journal_entries e ON e.account_id = l.account_id AND e.number = l.number
    WHERE l.account_id = :account::uuid AND l.number > :first::bigint AND l.number <= :last::bigint
      AND e.account_id = :account::uuid AND e.number > :first::bigint AND e.number <= :last::bigint
    GROUP BY 1, 2, 3, 4
  ), blocks AS (
    INSERT INTO journal_block_totals (account_id, block, ledger_account, currency, amount_cents)
    SELECT :account::uuid, block, ledger_account, currency, sum(amount_cents) FROM folded
    GROUP BY block, ledger_account, currency
  ), days AS (
    INSERT INTO journal_day_totals AS t (account_id, day, ledger_account, currency, amount_cents)
    SELECT :account::uuid, (hour AT TIME ZONE 'UTC')::date, ledger_account, currency, sum(amount_cents) FROM folded
    GROUP BY 2, 3, 4
    ON CONFLICT (account_id, day, ledger_account, currency)
      DO UPDATE SET amount_cents = t.amount_cents + excluded.amount_cents
  ), hours AS (
    INSERT INTO journal_hour_totals AS t (account_id, hour, ledger_account, currency, amount_cents)
    SELECT :account::uuid, hour, ledger_account, currency, sum(amount_cents) FROM folded GROUP BY 2, 3, 4
    ON CONFLICT (account_id, hour, ledger_account, currency)
      DO UPDATE SET amount_cents = t.amount_cents + excluded.amount_cents
  ), totals AS (
    INSERT INTO journal_totals AS t (account_id, ledger_account, currency, amount_cents)
    SELECT :account::uuid, ledger_account, currency, sum(amount_cents) FROM folded GROUP BY ledger_account, currency
    ON CONFLICT (account_id, ledger_account, currency) DO UPDATE SET amount_cents = t.amount_cents + excluded.amount_cents
  )
  UPDATE journal_folds SET blocks = :to::bigint WHERE account_id = :account::uuid AND blocks = :from::bigint
  RETURNING blocks`,
);

/**
 * Folds complete blocks of entries into totals, each exactly once: the totals and the number of folded blocks change in one
 * transaction, under the lock on that number. Hand-written SQL, because of that lock and because one statement adds the
 * lines to four tables.
 */
@Injectable()
export class FoldsStore {
  constructor(private readonly database: Database) {}

  /** @returns Up to `limit` accounts that have complete blocks to fold. */
  async behind(limit: number): Promise<string[]> {
    const rows: { account: string }[] = await this.database.query(BEHIND, { limit });
    return rows.map(({ account }) => account);
  }

  /**
   * Folds the next blocks of an account.
   * @returns False when no complete block is left, or another process is folding.
   */
  async fold(account: string): Promise<boolean> {
    await this.database.query(BEGIN, { account });
    return this.database.transaction((query) => this.foldNext(query, account));
  }

  private async foldNext(query: Query, account: string): Promise<boolean> {
    const rows: { blocks: number; lastNumber: number }[] = await query(LEASE, { account });
    if (!rows[0]) return false;
    const { blocks: from, lastNumber } = rows[0];
    const to = Math.min(completeBlocks(lastNumber), from + BLOCKS_AT_ONCE);
    if (to === from) return false;
    const values = { account, from, to, first: from * BLOCK, last: to * BLOCK };
    await query(NO_NESTED_LOOP);
    const folded: object[] = await query(FOLD, values);
    return folded.length === 1;
  }
}
