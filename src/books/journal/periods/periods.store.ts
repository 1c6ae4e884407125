import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../../platform/database/database.js';
import { statement } from '../../../platform/database/named-parameters.js';

/** A month of the books. */
export interface Period {
  /** YYYY-MM */
  period: string;
  /** Null for an open one. */
  closedAt: Date | null;
}

/** From the month of the first entry, or this month, to that of the last entry, or this month; and all closed ones. */
const LIST = statement(
  'periods_list',
  `WITH times AS (
    SELECT clock_timestamp() AS at
    UNION ALL (SELECT effective_at FROM journal_entries WHERE account_id = :account::uuid ORDER BY effective_at LIMIT 1)
    UNION ALL (SELECT effective_at FROM journal_entries WHERE account_id = :account::uuid ORDER BY effective_at DESC LIMIT 1)
  ), bounds AS (
    SELECT date_trunc('month', min(at) AT TIME ZONE 'UTC') AS oldest, date_trunc('month', max(at) AT TIME ZONE 'UTC') AS newest
    FROM times
  ), months AS (
    SELECT generate_series(newest, oldest, interval '-1 month')::date AS month FROM bounds
    UNION
    SELECT month FROM closed_periods WHERE account_id = :account::uuid
  )
  SELECT to_char(m.month, 'YYYY-MM') AS period, p.closed_at AS "closedAt"
  FROM months m LEFT JOIN closed_periods p ON p.account_id = :account::uuid AND p.month = m.month
  WHERE m.month < :before::date OR :before::date IS NULL ORDER BY m.month DESC LIMIT :limit::integer`,
);

/** Writes the counter, so that a posting that read it before, under any isolation level, fails or waits. */
const CLOSE = statement(
  'period_close',
  `WITH counter AS (
    INSERT INTO journal_counters AS c (account_id) VALUES (:account::uuid)
    ON CONFLICT (account_id) DO UPDATE SET last_number = c.last_number RETURNING account_id
  )
  INSERT INTO closed_periods (account_id, month, closed_at)
  SELECT account_id, :month::date, clock_timestamp() FROM counter ON CONFLICT DO NOTHING`,
);

const CLOSED_AT = statement(
  'period_closed_at',
  `SELECT closed_at AS "closedAt" FROM closed_periods WHERE account_id = :account::uuid AND month = :month::date`,
);

const REOPEN = statement(
  'period_reopen',
  'DELETE FROM closed_periods WHERE account_id = :account::uuid AND month = :month::date',
);

/**
 * The months of the books. Hand-written SQL, because closing locks the counter of the account before it inserts: a posting
 * in flight either commits first, or its trigger sees the closed period.
 */
@Injectable()
export class PeriodsStore {
  constructor(private readonly database: Database) {}

  /** @param before Only months before this one. @returns Up to `limit` months, newest first. */
  list(account: string, before: string | undefined, limit: number): Promise<Period[]> {
    return this.database.query(LIST, { account, before: before === undefined ? null : firstDay(before), limit });
  }

  /** Closes a month. No effect on a closed one. */
  async close(account: string, period: string): Promise<void> {
    await this.write(account, CLOSE, period);
  }

  /** @returns When a month was closed; null for an open one. */
  async closedAt(account: string, period: string): Promise<Date | null> {
    const rows: { closedAt: Date }[] = await this.database.query(CLOSED_AT, { account, month: firstDay(period) });
    return rows[0]?.closedAt ?? null;
  }

  /** Reopens a month. No effect on an open one. */
  async reopen(account: string, period: string): Promise<void> {
    await this.write(account, REOPEN, period);
  }

  private async write(account: string, change: Statement<'account' | 'month'>, period: string): Promise<void> {
    await this.database.inTransactionOf(account, (query) => query(change, { account, month: firstDay(period) }));
  }
}

const firstDay = (period: string): string => `${period}-01`;
