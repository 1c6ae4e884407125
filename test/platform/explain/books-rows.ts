import type pg from 'pg';
import { BLOCK } from '../../../src/books/journal/balances/blocks.js';
import { SORTED_ID } from './sorted-id.js';

/** All entries except the last hundred are folded. */
export const BOOKS = 'cccccccc-0000-7000-8000-000000000000';
export const ENTRIES = 100 * BLOCK + 100;
export const CUSTOMERS = 20_000;
export const ORDERS = 200_000;
const IMPORTS = 50_000;

/** The id of a customer, an order or an import, by its number. */
export const idOf = (n: number): string => `${n.toString(16).padStart(8, '0')}-0000-7000-8000-000000000000`;

export async function fillBooks(client: pg.Client): Promise<void> {
  await fillJournal(client);
  await fillOrders(client);
  await client.query(`INSERT INTO order_imports (id, account_id, status, rows, created, failed, created_at, finished_at)
    SELECT ${SORTED_ID('n')}, '${BOOKS}', 'completed', 3, 0, 3, now() - (${IMPORTS} - n) * interval '1 minute', now()
    FROM generate_series(1, ${IMPORTS}) n`);
  await client.query(`INSERT INTO order_import_errors (import_id, ordinal, row, field, message)
    SELECT ${SORTED_ID('n')}, o, o, 'sku', 'is missing' FROM generate_series(1, ${IMPORTS}) n, generate_series(1, 3) o`);
}

/** Two lines an entry; every day has 512 entries, and every thousandth entry a ledger account that is rare. */
async function fillJournal(client: pg.Client): Promise<void> {
  await client.query(`INSERT INTO journal_counters (account_id, last_number) VALUES ('${BOOKS}', ${ENTRIES})`);
  await client.query(`INSERT INTO journal_entries (account_id, number, effective_at, recorded_at, kind)
    SELECT '${BOOKS}', n, timestamptz '2026-01-01' + n / 512 * interval '1 day' + n % 512 * interval '1 second', now(), 'order.paid'
    FROM generate_series(1, ${ENTRIES}) n`);
  await client.query(`INSERT INTO journal_lines (account_id, number, line, ledger_account, currency, amount_cents, customer_id)
    SELECT '${BOOKS}', n, l, CASE WHEN l = 1 THEN 'assets:cash' WHEN n % 1000 = 0 THEN 'income:rare' ELSE 'income:orders' END,
      'USD', 3 - 2 * l, ${SORTED_ID('n % 1000')} FROM generate_series(1, ${ENTRIES}) n, generate_series(1, 2) l`);
}

/**
 * Every thousandth order is a draft, every thousandth cancelled and every tenth archived; one customer of 5,000 is
 * rare.
 */
async function fillOrders(client: pg.Client): Promise<void> {
  await client.query(`INSERT INTO customers (id, account_id, name, email)
    SELECT ${SORTED_ID('n')}, '${BOOKS}', 'Customer ' || n,
      CASE WHEN n % 5000 = 7 THEN 'rare-' ELSE 'common-' END || n || '@example.com' FROM generate_series(1, ${CUSTOMERS}) n`);
  const status = `CASE n % 1000 WHEN 1 THEN 'draft' WHEN 2 THEN 'cancelled' ELSE 'paid' END`;
  await client.query(`INSERT INTO orders (id, account_id, customer_id, status, currency, total_cents, is_archived, external_ref,
      customer_name, customer_email, placed_at, paid_at, cancelled_at)
    SELECT id, '${BOOKS}', customer, status, 'USD', 100, n % 10 = 0, 'ref-' || n, CASE WHEN status = 'paid' THEN 'Customer' END,
      CASE WHEN status = 'paid' THEN 'fixed@example.com' END, placed, CASE WHEN status = 'paid' THEN placed END,
      CASE WHEN status = 'cancelled' THEN placed END
    FROM (SELECT n, ${SORTED_ID('n')} AS id, ${SORTED_ID(`1 + n % ${CUSTOMERS}`)} AS customer, ${status} AS status,
      timestamptz '2026-01-01' + n * interval '1 minute' AS placed FROM generate_series(1, ${ORDERS}) n) o`);
  await client.query(`INSERT INTO order_items (id, order_id, position, sku, quantity, unit_price_cents)
    SELECT ${SORTED_ID('n')}, ${SORTED_ID('n')}, 1, 'sku', 1, 100 FROM generate_series(1, ${ORDERS}) n`);
  await client.query(`INSERT INTO customer_totals (account_id, customer_id, currency, order_count, total_cents, is_active)
    SELECT account_id, customer_id, currency, count(*), sum(total_cents), true FROM orders
    WHERE status = 'paid' AND NOT is_archived GROUP BY account_id, customer_id, currency`);
}
