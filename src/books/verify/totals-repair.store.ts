import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { checked } from './check.js';
import { COUNTED, FOLDED } from './totals-checks.store.js';
import { PATIENT } from './verification.store.js';

/** Waits for the transactions that have changed totals, and makes the others wait: their changes come on top. */
const LOCK_TOTALS = 'LOCK TABLE customer_totals IN SHARE ROW EXCLUSIVE MODE';

const RECOUNT = `WITH recounted AS (
    SELECT account_id, customer_id, currency, coalesce(n.order_count, 0) AS order_count,
      coalesce(n.total_cents, 0) AS total_cents
    FROM (${COUNTED}) n FULL JOIN (SELECT * FROM customer_totals t WHERE ${checked('t')}) t
      USING (account_id, customer_id, currency)
  )
  INSERT INTO customer_totals AS t (account_id, customer_id, currency, order_count, total_cents, is_active)
  SELECT n.account_id, n.customer_id, n.currency, n.order_count, n.total_cents, c.is_active
  FROM recounted n JOIN customers c ON c.account_id = n.account_id AND c.id = n.customer_id
  ON CONFLICT (account_id, customer_id, currency) DO UPDATE SET order_count = excluded.order_count,
    total_cents = excluded.total_cents, is_active = excluded.is_active
  WHERE (t.order_count, t.total_cents, t.is_active) IS DISTINCT FROM
    (excluded.order_count, excluded.total_cents, excluded.is_active)`;

/** Blocks that another process folds meanwhile are left alone: its account is seen as it was, or the transaction runs again. */
const SNAPSHOT = 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ';

/** The lock that a process holds while it folds blocks. */
const LOCK_FOLDS = `SELECT f.account_id FROM journal_folds f WHERE ${checked('f')} ORDER BY f.account_id FOR UPDATE`;

const FOLDED_TABLES = ['journal_totals', 'journal_block_totals', 'journal_day_totals', 'journal_hour_totals'] as const;

const FOLD_AGAIN = `WITH folded AS MATERIALIZED (${FOLDED}), blocks AS (
    INSERT INTO journal_block_totals (account_id, block, ledger_account, currency, amount_cents)
    SELECT account_id, block, ledger_account, currency, sum(amount_cents) FROM folded GROUP BY 1, 2, 3, 4
  ), days AS (
    INSERT INTO journal_day_totals (account_id, day, ledger_account, currency, amount_cents)
    SELECT account_id, day, ledger_account, currency, sum(amount_cents) FROM folded GROUP BY 1, 2, 3, 4
  ), hours AS (
    INSERT INTO journal_hour_totals (account_id, hour, ledger_account, currency, amount_cents)
    SELECT account_id, hour, ledger_account, currency, sum(amount_cents) FROM folded GROUP BY 1, 2, 3, 4
  )
  INSERT INTO journal_totals (account_id, ledger_account, currency, amount_cents)
  SELECT account_id, ledger_account, currency, sum(amount_cents) FROM folded GROUP BY 1, 2, 3`;

/**
 * Writes the totals of customers and the folded totals of the journal again from the rows that they add up. Hand-written SQL,
 * because of its locks: payments and cancellations wait while the orders are counted; postings do not wait for the folded
 * totals.
 */
@Injectable()
export class TotalsRepairStore {
  constructor(private readonly database: Database) {}

  /** @param account Of the books; null for all. */
  async repair(account: string | null): Promise<void> {
    const values = [account];
    await this.database.inTransaction(async (query) => {
      for (const text of [PATIENT, LOCK_TOTALS]) await query({ name: '', text });
      await query({ name: '', text: RECOUNT }, values);
    });
    await this.database.inTransaction(async (query) => {
      for (const text of [SNAPSHOT, PATIENT]) await query({ name: '', text });
      await query({ name: '', text: LOCK_FOLDS }, values);
      for (const table of FOLDED_TABLES)
        await query({ name: '', text: `DELETE FROM ${table} t WHERE ${checked('t')}` }, values);
      await query({ name: '', text: FOLD_AGAIN }, values);
    });
  }
}
