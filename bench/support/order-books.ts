import type { Client } from 'pg';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';

export const ITEMS_OF_ORDER = 3;
const CUSTOMERS = 10_000;
/** Orders that one transaction adds. */
const CHUNK = 100_000;

const START = '2025-01-01T00:00:00Z';
const YEAR_MS = 365 * 24 * 3_600_000;
/** Spreads consecutive orders over the year. It is coprime to round numbers. */
const SPREAD = 2_999_999;

const CUSTOMER_ID = `md5('customer' || n % ${CUSTOMERS})::uuid`;
const ORDER_ID = `md5('order' || n)::uuid`;
const PAID_AT = `'${START}'::timestamptz + n * ${SPREAD}::bigint % 1000000 * ${YEAR_MS / 1_000_000} * interval '1 millisecond'`;
const TOTAL = `(${Array.from({ length: ITEMS_OF_ORDER }, (_, i) => `(1 + (n + ${i + 1}) % 5) * (100 + (n * ${i + 1}) % 9973)`).join(' + ')})`;
const numbers = 'FROM generate_series($1::bigint, $2::bigint) n';

const CUSTOMER_ROWS = `INSERT INTO customers (id, account_id, name, email)
  SELECT ${CUSTOMER_ID}, '${OPEN_INSTALLATION}', 'Customer ' || n, 'customer-' || n || '@example.com' ${numbers}`;

const ORDER_ROWS = [
  `INSERT INTO orders (id, account_id, customer_id, status, currency, total_cents, customer_name, customer_email, paid_at)
    SELECT ${ORDER_ID}, '${OPEN_INSTALLATION}', ${CUSTOMER_ID}, 'paid', 'USD', ${TOTAL}, 'Customer ' || n % ${CUSTOMERS},
      'customer-' || n % ${CUSTOMERS} || '@example.com', ${PAID_AT} ${numbers}`,
  `INSERT INTO order_items (id, order_id, position, sku, quantity, unit_price_cents)
    SELECT md5(n || '/' || i)::uuid, ${ORDER_ID}, i, 'SKU-' || (n + i) % 1000, 1 + (n + i) % 5, 100 + (n * i) % 9973
    ${numbers}, generate_series(1, ${ITEMS_OF_ORDER}) i`,
  `INSERT INTO journal_entries (account_id, number, effective_at, recorded_at, kind, source_type, source_id)
    SELECT '${OPEN_INSTALLATION}', n, ${PAID_AT}, now(), 'order.paid', 'order', ${ORDER_ID} ${numbers}`,
  `INSERT INTO journal_lines (account_id, number, line, ledger_account, currency, amount_cents, customer_id)
    SELECT '${OPEN_INSTALLATION}', n, l, CASE l WHEN 1 THEN 'assets:cash' ELSE 'income:orders' END, 'USD',
      (3 - 2 * l) * ${TOTAL}, ${CUSTOMER_ID} ${numbers}, generate_series(1, 2) l`,
];

const COUNTER = `INSERT INTO journal_counters (account_id, last_number) VALUES ('${OPEN_INSTALLATION}', $1)
  ON CONFLICT (account_id) DO UPDATE SET last_number = excluded.last_number`;

/** Adds paid orders `first` to `last` to the books of an open installation, with their entries, fast: without triggers. */
export async function fillOrders(client: Client, first: number, last: number): Promise<void> {
  await client.query('SET session_replication_role = replica');
  if (first === 1) await client.query(CUSTOMER_ROWS, [0, CUSTOMERS - 1]);
  for (let from = first; from <= last; from += CHUNK) {
    const range = [from, Math.min(last, from + CHUNK - 1)];
    await client.query('BEGIN');
    for (const rows of ORDER_ROWS) await client.query(rows, range);
    await client.query('COMMIT');
  }
  await client.query(COUNTER, [last]);
  await client.query('RESET session_replication_role');
  await client.query('VACUUM ANALYZE customers, orders, order_items, journal_entries, journal_lines');
}
