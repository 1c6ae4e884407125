import { Injectable } from '@nestjs/common';
import type { Query } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import { constraintOf } from '../customers/customer.repository.js';
import { CustomerNotFound } from '../customers/customers.errors.js';
import type { OrderStatus } from './order.entity.js';
import { ExternalRefTaken } from './orders.errors.js';

export interface NewItem {
  id: string;
  sku: string;
  quantity: number;
  unitPriceCents: number;
}

export interface NewOrder {
  id: string;
  account: string;
  customerId: string;
  currency: string;
  externalRef: string | null;
  /** Null for now. */
  placedAt: Date | null;
  items: readonly NewItem[];
}

/** An order that the transaction has locked. */
export interface LockedOrder {
  id: string;
  customerId: string;
  status: OrderStatus;
  currency: string;
  totalCents: number;
  isArchived: boolean;
  version: number;
}

/** New values of a draft; undefined leaves one as it is. */
export interface DraftChange {
  currency?: string;
  externalRef?: string | null;
  placedAt?: Date;
  items?: readonly NewItem[];
}

const ITEMS = `unnest(:itemIds::uuid[], :skus::text[], :quantities::integer[], :unitPrices::bigint[])
    WITH ORDINALITY AS item (id, sku, quantity, unit_price_cents, position)` as const;

const ADD_ITEMS = `INSERT INTO order_items (id, order_id, position, sku, quantity, unit_price_cents)
    SELECT item.id, :id::uuid, item.position, item.sku, item.quantity, item.unit_price_cents FROM ${ITEMS}` as const;

const CREATE = statement(
  'order_create',
  `WITH items AS (${ADD_ITEMS})
  INSERT INTO orders (id, account_id, customer_id, currency, external_ref, placed_at, total_cents)
  SELECT :id::uuid, :account::uuid, :customerId::uuid, :currency, :externalRef::text,
    coalesce(:placedAt::timestamptz, now()), sum(item.quantity * item.unit_price_cents) FROM ${ITEMS}`,
);

const LOCK = statement(
  'order_lock',
  `SELECT id, customer_id AS "customerId", status, currency, total_cents AS "totalCents", is_archived AS "isArchived", version
  FROM orders WHERE account_id = :account AND id = :id FOR UPDATE`,
);

const DROP_ITEMS = statement('order_drop_items', 'DELETE FROM order_items WHERE order_id = :id');

const REPLACE_ITEMS = statement(
  'order_replace_items',
  `WITH items AS (${ADD_ITEMS})
  UPDATE orders SET total_cents = (SELECT sum(item.quantity * item.unit_price_cents) FROM ${ITEMS}) WHERE id = :id::uuid`,
);

const CHANGE = statement(
  'order_change',
  `UPDATE orders SET currency = coalesce(:currency, currency), placed_at = coalesce(:placedAt::timestamptz, placed_at),
    external_ref = CASE WHEN :hasExternalRef::boolean THEN :externalRef::text ELSE external_ref END,
    version = version + 1, updated_at = clock_timestamp()
  WHERE id = :id`,
);

// Paying fixes the customer's name and email. The customer is locked: a change of it comes before or after.
const PAY = statement(
  'order_pay',
  `WITH customer AS (SELECT id, name, email FROM customers WHERE id = :customerId FOR SHARE)
  UPDATE orders SET status = 'paid', paid_at = date_trunc('milliseconds', clock_timestamp()), customer_name = customer.name,
    customer_email = customer.email, version = version + 1, updated_at = clock_timestamp()
  FROM customer WHERE orders.id = :id RETURNING paid_at AS "at"`,
);

const SHIP = statement(
  'order_ship',
  `UPDATE orders SET status = 'shipped', shipped_at = clock_timestamp(), version = version + 1,
    updated_at = clock_timestamp() WHERE id = :id`,
);

const CANCEL = statement(
  'order_cancel',
  `UPDATE orders SET status = 'cancelled', cancelled_at = date_trunc('milliseconds', clock_timestamp()),
    version = version + 1, updated_at = clock_timestamp() WHERE id = :id RETURNING cancelled_at AS "at"`,
);

const ARCHIVE = statement(
  'order_archive',
  `UPDATE orders SET is_archived = :isArchived, version = version + 1, updated_at = clock_timestamp() WHERE id = :id`,
);

const itemColumns = (items: readonly NewItem[]) => ({
  itemIds: items.map(({ id }) => id),
  skus: items.map(({ sku }) => sku),
  quantities: items.map(({ quantity }) => quantity),
  unitPrices: items.map(({ unitPriceCents }) => unitPriceCents),
});

/**
 * Writes orders. Hand-written SQL, because the order of locks depends on it (order, customer, totals, counter of the
 * journal), and the statement that writes the items computes the total. Every method runs in the caller's transaction,
 * and those that change an order need its lock.
 */
@Injectable()
export class OrderStore {
  /** @throws CustomerNotFound, ExternalRefTaken */
  async create(query: Query, { items, ...order }: NewOrder): Promise<void> {
    await orExpected(query(CREATE, { ...order, ...itemColumns(items) }));
  }

  /** Locks an order until the transaction ends. @returns Null if the account has no such order. */
  async lock(query: Query, account: string, id: string): Promise<LockedOrder | null> {
    const [order]: LockedOrder[] = await query(LOCK, { account, id });
    return order ?? null;
  }

  /** @throws ExternalRefTaken */
  async change(query: Query, id: string, { currency, externalRef, placedAt, items }: DraftChange): Promise<void> {
    if (items) {
      await query(DROP_ITEMS, { id });
      await query(REPLACE_ITEMS, { id, ...itemColumns(items) });
    }
    const values = {
      id,
      currency: currency ?? null,
      placedAt: placedAt ?? null,
      externalRef: externalRef ?? null,
      hasExternalRef: externalRef !== undefined,
    };
    await orExpected(query(CHANGE, values));
  }

  /** @returns The time of the payment. */
  async pay(query: Query, { id, customerId }: LockedOrder): Promise<Date> {
    const rows: { at: Date }[] = await query(PAY, { id, customerId });
    return rows[0]!.at;
  }

  async ship(query: Query, { id }: LockedOrder): Promise<void> {
    await query(SHIP, { id });
  }

  /** @returns The time of the cancellation. */
  async cancel(query: Query, { id }: LockedOrder): Promise<Date> {
    const rows: { at: Date }[] = await query(CANCEL, { id });
    return rows[0]!.at;
  }

  async archive(query: Query, { id }: LockedOrder, isArchived: boolean): Promise<void> {
    await query(ARCHIVE, { id, isArchived });
  }
}

async function orExpected<Result>(running: Promise<Result>): Promise<Result> {
  try {
    return await running;
  } catch (error) {
    const constraint = constraintOf(error);
    if (constraint === 'orders_customer_fkey') throw new CustomerNotFound('customer_id');
    if (constraint === 'orders_external_ref') throw new ExternalRefTaken();
    throw error;
  }
}
