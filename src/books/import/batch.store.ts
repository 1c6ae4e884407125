import { Injectable } from '@nestjs/common';
import type { Query } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import type { OrderStatus } from '../orders/order.entity.js';
import type { NewItem } from '../orders/order.store.js';

/** A customer of an order that is imported. */
export interface WantedCustomer {
  id: string;
  email: string;
  name: string;
}

/** An order that is imported, in any status. */
export interface BatchOrder {
  id: string;
  customerId: string;
  status: OrderStatus;
  currency: string;
  externalRef: string;
  placedAt: Date;
  paidAt: Date | null;
  cancelledAt: Date | null;
  items: readonly NewItem[];
}

const NOW = statement('import_now', "SELECT date_trunc('milliseconds', clock_timestamp()) AS now");

const KNOWN_REFS = statement(
  'import_known_refs',
  `SELECT o.external_ref AS ref FROM unnest(:refs::text[]) AS wanted (ref)
  JOIN orders o ON o.account_id = :account::uuid AND o.external_ref = wanted.ref AND o.external_ref IS NOT NULL`,
);

const CLOSED_MONTHS = statement(
  'import_closed_months',
  `SELECT to_char(month, 'YYYY-MM') AS month FROM closed_periods
  WHERE account_id = :account AND month = ANY (:months::date[])`,
);

// Locked in the order of their ids, before the orders: a change of a customer comes before the batch or after it.
const LOCK_CUSTOMERS = statement(
  'import_lock_customers',
  `SELECT id, lower(email) AS email FROM customers WHERE account_id = :account::uuid AND id IN (
    SELECT c.id FROM unnest(:emails::text[]) AS wanted (email)
      JOIN customers c ON c.account_id = :account::uuid AND lower(c.email) = wanted.email
    UNION SELECT unnest(:ids::uuid[])
  ) ORDER BY id FOR SHARE`,
);

// Another import that adds the same customers meets this one in the same order.
const ADD_CUSTOMERS = statement(
  'import_add_customers',
  `INSERT INTO customers (id, account_id, name, email)
  SELECT id, :account::uuid, name, email FROM unnest(:ids::uuid[], :names::text[], :emails::text[]) AS c (id, name, email)
  ORDER BY lower(email) ON CONFLICT (account_id, lower(email)) DO NOTHING`,
);

// Two imports of the same orders meet in the order of the references.
const ADD_ORDERS = statement(
  'import_add_orders',
  `WITH item AS MATERIALIZED (
    SELECT * FROM unnest(:itemIds::uuid[], :itemOrders::uuid[], :positions::integer[], :skus::text[],
      :quantities::integer[], :unitPrices::bigint[]) AS i (id, order_id, position, sku, quantity, unit_price_cents)
  ), added AS (
    INSERT INTO orders (id, account_id, customer_id, status, currency, external_ref, placed_at, paid_at, shipped_at,
      cancelled_at, customer_name, customer_email, total_cents)
    SELECT o.id, :account::uuid, c.id, o.status, o.currency, o.external_ref, o.placed_at, o.paid_at,
      CASE WHEN o.status = 'shipped' THEN o.paid_at END, o.cancelled_at,
      CASE WHEN o.paid_at IS NOT NULL THEN c.name END, CASE WHEN o.paid_at IS NOT NULL THEN c.email END, total.cents
    FROM unnest(:ids::uuid[], :customerIds::uuid[], :statuses::text[], :currencies::text[], :refs::text[],
      :placedAt::timestamptz[], :paidAt::timestamptz[], :cancelledAt::timestamptz[])
      AS o (id, customer_id, status, currency, external_ref, placed_at, paid_at, cancelled_at)
    JOIN (SELECT order_id, sum(quantity * unit_price_cents) AS cents FROM item GROUP BY order_id) total
      ON total.order_id = o.id
    JOIN customers c ON c.account_id = :account::uuid AND c.id = o.customer_id
    ORDER BY o.external_ref
    ON CONFLICT (account_id, external_ref) WHERE external_ref IS NOT NULL DO NOTHING
    RETURNING id, total_cents
  ), items AS (
    INSERT INTO order_items (id, order_id, position, sku, quantity, unit_price_cents)
    SELECT item.id, item.order_id, item.position, item.sku, item.quantity, item.unit_price_cents
    FROM item JOIN added ON added.id = item.order_id
  )
  SELECT id, total_cents AS "totalCents" FROM added`,
);

/**
 * Writes batches of orders. Hand-written SQL, because a batch is a few statements over arrays, and the order of its locks
 * keeps imports and payments from waiting for each other. Every method runs in the transaction of the batch.
 */
@Injectable()
export class BatchStore {
  /** @returns The time by the clock of the database, as for payments over the API. The clock of this process may be wrong. */
  async now(query: Query): Promise<Date> {
    const rows: { now: Date }[] = await query(NOW);
    return rows[0]!.now;
  }

  /** @returns Which of the references the account has. */
  async knownRefs(query: Query, account: string, refs: readonly string[]): Promise<Set<string>> {
    const rows: { ref: string }[] = await query(KNOWN_REFS, { account, refs });
    return new Set(rows.map(({ ref }) => ref));
  }

  /** @param months As YYYY-MM. @returns The closed ones. */
  async closedMonths(query: Query, account: string, months: readonly string[]): Promise<Set<string>> {
    if (months.length === 0) return new Set();
    const values = { account, months: months.map((month) => `${month}-01`) };
    const rows: { month: string }[] = await query(CLOSED_MONTHS, values);
    return new Set(rows.map(({ month }) => month));
  }

  /**
   * Locks customers, found by email in lower case or by id, until the transaction ends.
   * @returns Those that the account has.
   */
  async lockCustomers(
    query: Query,
    account: string,
    emails: readonly string[],
    ids: readonly string[],
  ): Promise<{ id: string; email: string }[]> {
    if (emails.length === 0 && ids.length === 0) return [];
    const rows: { id: string; email: string }[] = await query(LOCK_CUSTOMERS, { account, emails, ids });
    return rows;
  }

  /** Adds the customers whose email the account does not have. */
  async addCustomers(query: Query, account: string, customers: readonly WantedCustomer[]): Promise<void> {
    if (customers.length === 0) return;
    await query(ADD_CUSTOMERS, {
      account,
      ids: customers.map(({ id }) => id),
      names: customers.map(({ name }) => name),
      emails: customers.map(({ email }) => email),
    });
  }

  /** Adds orders with their items, except those whose reference the account has. @returns The total of each added one. */
  async addOrders(query: Query, account: string, orders: readonly BatchOrder[]): Promise<Map<string, number>> {
    if (orders.length === 0) return new Map();
    const rows: { id: string; totalCents: number }[] = await query(ADD_ORDERS, {
      account,
      ids: orders.map(({ id }) => id),
      customerIds: orders.map(({ customerId }) => customerId),
      statuses: orders.map(({ status }) => status),
      currencies: orders.map(({ currency }) => currency),
      refs: orders.map(({ externalRef }) => externalRef),
      placedAt: orders.map(({ placedAt }) => placedAt),
      paidAt: orders.map(({ paidAt }) => paidAt),
      cancelledAt: orders.map(({ cancelledAt }) => cancelledAt),
      ...itemColumns(orders),
    });
    return new Map(rows.map(({ id, totalCents }) => [id, totalCents]));
  }
}

function itemColumns(orders: readonly BatchOrder[]) {
  const items = orders.flatMap(({ id, items: ofOrder }) =>
    ofOrder.map((item, index) => ({ ...item, orderId: id, position: index + 1 })),
  );
  return {
    itemIds: items.map(({ id }) => id),
    itemOrders: items.map(({ orderId }) => orderId),
    positions: items.map(({ position }) => position),
    skus: items.map(({ sku }) => sku),
    quantities: items.map(({ quantity }) => quantity),
    unitPrices: items.map(({ unitPriceCents }) => unitPriceCents),
  };
}
