import { Database, type Query } from '../../platform/database/database.js';
import { type Check, type Finding, type Found, SHOWN, checked } from './check.js';
import { JOURNAL_CHECKS } from './journal-checks.store.js';
import { orderChecks } from './order-checks.store.js';
import { type PostingSource, checksOf } from './source-checks.store.js';
import { TOTALS_CHECKS } from './totals-checks.store.js';

/** All statements of the transaction see the books as they are at the first one, and none can change them. */
const SNAPSHOT = 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY';

/** The limit of the database's role is for the service. The statements below read whole tables. */
export const PATIENT = 'SET LOCAL statement_timeout = 0';

const SIZES = `SELECT (SELECT count(*) FROM orders o WHERE ${checked('o')}) AS orders,
  (SELECT count(*) FROM journal_entries e WHERE ${checked('e')}) AS entries`;

/** The size of the books that were compared, and their differences. */
export interface Verification {
  orders: number;
  entries: number;
  /** The checks that found something. */
  found: Found[];
}

/**
 * Compares the books with themselves. Hand-written SQL: each check adds up and joins whole tables in the database, so the
 * memory of this process does not grow with the books. It takes no locks, and may run beside a working service.
 */
export class VerificationStore {
  private readonly checks: readonly Check[];

  /** @param sources The records outside the books that post entries. */
  constructor(
    private readonly database: Database,
    sources: readonly PostingSource[],
  ) {
    const types = sources.map(({ type }) => type);
    this.checks = [...orderChecks(types), ...sources.flatMap(checksOf), ...TOTALS_CHECKS, ...JOURNAL_CHECKS];
  }

  /** @param account Of the books to check; null for all. */
  verify(account: string | null): Promise<Verification> {
    return this.database.inTransaction(async (query) => {
      for (const text of [SNAPSHOT, PATIENT]) await query({ name: '', text });
      const [sizes] = await query<{ orders: number; entries: number }>({ name: '', text: SIZES }, [account]);
      const found: Found[] = [];
      for (const check of this.checks) found.push(await run(query, check, account));
      return { ...sizes!, found: found.filter(({ count }) => count > 0) };
    });
  }
}

/** Not prepared: the plan depends on whether there is an account. */
async function run(query: Query, { name, findings }: Check, account: string | null): Promise<Found> {
  const text = `SELECT account_id AS account, detail, count(*) OVER () AS count FROM (${findings}) found LIMIT ${SHOWN}`;
  const rows = await query<Finding & { count: number }>({ name: '', text }, [account]);
  return {
    check: name,
    count: rows[0]?.count ?? 0,
    findings: rows.map((row) => ({ account: row.account, detail: row.detail })),
  };
}
