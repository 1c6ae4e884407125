import { Injectable } from '@nestjs/common';
import { type Query } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import { Database } from '../../platform/database/database.js';

/** The change of a customer's totals by one order. */
export interface TotalsChange {
  customerId: string;
  currency: string;
  orders: number;
  cents: number;
}

/** A customer of the summary. */
export interface TopCustomer {
  customer_id: string;
  email: string;
  order_count: number;
  /** A decimal integer, since it can exceed what JavaScript counts exactly. */
  total_cents: string;
}

// The customers are locked, so that `is_active` cannot change between this read and the commit. A negative row could not even
// be proposed for insertion, because of the check on the counts; its customer has totals already.
const ADD = statement(
  'customer_totals_add',
  `WITH customer AS (
      SELECT id, is_active FROM customers
      WHERE account_id = :account::uuid AND id = ANY (:customerIds::uuid[]) ORDER BY id FOR SHARE
    ), change AS (
      SELECT customer.id AS customer_id, customer.is_active, c.currency, sum(c.orders) AS orders, sum(c.cents) AS cents
      FROM unnest(:customerIds::uuid[], :currencies::text[], :orders::bigint[], :cents::bigint[])
        AS c (customer_id, currency, orders, cents) JOIN customer ON customer.id = c.customer_id
      GROUP BY customer.id, customer.is_active, c.currency
    ), lowered AS (
      UPDATE customer_totals t SET order_count = t.order_count + change.orders, total_cents = t.total_cents + change.cents
      FROM change WHERE change.orders <= 0
        AND t.account_id = :account::uuid AND t.customer_id = change.customer_id AND t.currency = change.currency
    )
    INSERT INTO customer_totals AS t (account_id, customer_id, currency, order_count, total_cents, is_active)
    SELECT :account::uuid, customer_id, currency, orders, cents, is_active FROM change WHERE orders > 0
    ORDER BY customer_id, currency
    ON CONFLICT (account_id, customer_id, currency) DO UPDATE SET order_count = t.order_count + excluded.order_count,
      total_cents = t.total_cents + excluded.total_cents`,
);

const SET_ACTIVE = statement(
  'customer_totals_set_active',
  `UPDATE customer_totals SET is_active = :isActive WHERE account_id = :account AND customer_id = :customerId`,
);

const TOP = statement(
  'customer_totals_top',
  `SELECT t.customer_id, c.email, t.order_count, t.total_cents
    FROM customer_totals t JOIN customers c ON c.account_id = t.account_id AND c.id = t.customer_id
    WHERE t.account_id = :account AND t.currency = :currency AND t.is_active AND t.order_count > 0
    ORDER BY t.total_cents DESC, t.customer_id LIMIT :limit`,
);

/**
 * The running totals of customers. Hand-written SQL, because the order of locks and the one query of the summary depend on
 * it: every writer locks orders, then customers, then totals by customer and currency, then the counter of the journal.
 */
@Injectable()
export class CustomerTotalsStore {
  constructor(private readonly database: Database) {}

  /** Adds the changes of orders, within the transaction that moves them. @param query Of that transaction. */
  async add(query: Query, account: string, changes: readonly TotalsChange[]): Promise<void> {
    if (changes.length === 0) return;
    await query(ADD, {
      account,
      customerIds: changes.map(({ customerId }) => customerId),
      currencies: changes.map(({ currency }) => currency),
      orders: changes.map(({ orders }) => orders),
      cents: changes.map(({ cents }) => cents),
    });
  }

  /** Copies the state of a customer that the same transaction has locked. */
  async setActive(query: Query, account: string, customerId: string, isActive: boolean): Promise<void> {
    await query(SET_ACTIVE, { account, customerId, isActive });
  }

  /** @returns The active customers with the highest totals in a currency, the highest first. One query. */
  async top(account: string, currency: string, limit: number): Promise<TopCustomer[]> {
    const rows: TopCustomer[] = await this.database.query(TOP, { account, currency, limit });
    return rows;
  }
}
