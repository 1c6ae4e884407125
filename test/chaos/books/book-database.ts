import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import type { BookHistory, CustomerRow, EntryRow, OrderRow, PeriodRow, Summary } from './book-history.js';
import { type Account, CURRENCIES } from './book-writers.js';

const CLI = fileURLToPath(new URL('../../../dist/src/cli/daybook.main.js', import.meta.url));
const SUMMARY_LIMIT = 200;

const MS = (column: string) => `(1000 * extract(epoch FROM ${column}))::float8`;

const CUSTOMERS = `SELECT account_id AS books, id, email, is_active AS "isActive" FROM customers`;
const ORDERS = `SELECT account_id AS books, id, customer_id AS "customerId", external_ref AS "externalRef", status, currency,
    total_cents::float8 AS "totalCents", is_archived AS "isArchived", paid_at IS NOT NULL AS "isPaid" FROM orders`;
const ENTRIES = `SELECT account_id AS books, number::float8, kind, source_id AS "sourceId", memo, reverses::float8,
    to_char(effective_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, ${MS('effective_at')} AS "effectiveAtMs",
    ${MS('recorded_at')} AS "recordedAtMs", coalesce(l.lines, '[]') AS lines
  FROM journal_entries LEFT JOIN (
    SELECT account_id, number, json_agg(json_build_object('ledgerAccount', ledger_account, 'currency', currency,
      'amountCents', amount_cents) ORDER BY line) AS lines
    FROM journal_lines GROUP BY account_id, number) l USING (account_id, number) ORDER BY account_id, number`;
const PERIODS = `SELECT account_id AS books, to_char(month, 'YYYY-MM') AS month, ${MS('closed_at')} AS "closedAtMs"
  FROM closed_periods`;

/** Reads the tables of the books. The SQL is not the product's. */
export async function readBooks(
  connectionString: string,
): Promise<Pick<BookHistory, 'customers' | 'orders' | 'entries' | 'periods'>> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    return {
      customers: (await client.query<CustomerRow>(CUSTOMERS)).rows,
      orders: (await client.query<OrderRow>(ORDERS)).rows,
      entries: (await client.query<EntryRow>(ENTRIES)).rows,
      periods: (await client.query<PeriodRow>(PERIODS)).rows,
    };
  } finally {
    await client.end();
  }
}

/** Fetches the summary of each account in each currency from the API. */
export async function readSummaries(apiUrl: string, accounts: Account[]): Promise<Summary[]> {
  const asked = accounts.flatMap((account) => CURRENCIES.map((currency) => ({ account, currency })));
  return Promise.all(
    asked.map(async ({ account: { id, headers }, currency }) => {
      const path = `/api/orders/summary?limit=${SUMMARY_LIMIT}&currency=${currency}`;
      const response = await fetch(apiUrl + path, { headers });
      if (!response.ok) throw new Error(`${path} was answered ${response.status}`);
      const { rows } = (await response.json()) as Pick<Summary, 'rows'>;
      return { books: id, currency, limit: SUMMARY_LIMIT, rows };
    }),
  );
}

/** Runs `daybook books verify`. @param env Settings besides the database. */
export function verifyBooks(
  databaseUrl: string,
  env: Record<string, string> = {},
): Promise<BookHistory['verification']> {
  const settings = { PATH: process.env.PATH, ...env, DATABASE_URL: databaseUrl };
  return new Promise((resolve) => {
    execFile(process.execPath, [CLI, 'books', 'verify'], { cwd: tmpdir(), env: settings }, (error, stdout, stderr) => {
      const exitCode = error ? (typeof error.code === 'number' ? error.code : null) : 0;
      resolve({ exitCode, output: (stdout + stderr).trim() });
    });
  });
}
