import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import type { Query } from '../../platform/database/database.js';
import { containing } from '../../platform/database/like-pattern.js';
import { Order, type OrderStatus } from './order.entity.js';

/** An order as the API shows it. */
export interface OrderView {
  id: string;
  customer_id: string;
  customer_email: string;
  status: OrderStatus;
  currency: string;
  total_cents: number;
  is_archived: boolean;
  external_ref: string | null;
  placed_at: Date;
  paid_at: Date | null;
  cancelled_at: Date | null;
  version: number;
  created_at: Date;
  updated_at: Date;
  items: { id: string; sku: string; quantity: number; unit_price_cents: number; line_total_cents: number }[];
}

/** An order as its creator sees it: without `books:read`, without the customer's email. */
export type CreatedOrder = Omit<OrderView, 'customer_email'> & Partial<Pick<OrderView, 'customer_email'>>;

export interface OrderFilter {
  accountId: string;
  status?: OrderStatus;
  customerId?: string;
  /** Customers whose email matches, if they are few; otherwise `email` is checked for each order. */
  customerIds?: string[];
  email?: string;
  placedFrom?: Date;
  placedTo?: Date;
  isArchivedIncluded: boolean;
  /** Only orders that were added before this one. */
  beforeId?: string;
  limit: number;
}

const VIEW = `SELECT o.id, o.customer_id, coalesce(o.customer_email, c.email) AS customer_email, o.status, o.currency,
    o.total_cents, o.is_archived, o.external_ref, o.placed_at, o.paid_at, o.cancelled_at, o.version, o.created_at,
    o.updated_at, i.items
  FROM orders o JOIN customers c ON c.account_id = o.account_id AND c.id = o.customer_id
    CROSS JOIN LATERAL (
      SELECT json_agg(json_build_object('id', i.id, 'sku', i.sku, 'quantity', i.quantity,
        'unit_price_cents', i.unit_price_cents, 'line_total_cents', i.line_total_cents) ORDER BY i.position) AS items
      FROM order_items i WHERE i.order_id = o.id
    ) i`;

const FIND = `${VIEW} WHERE o.account_id = $1 AND o.id = $2`;

/** Collects the values of a statement while its text is written. */
class Parameters {
  readonly values: unknown[] = [];

  add(value: unknown): string {
    return `$${this.values.push(value)}`;
  }
}

/** Reads of orders, each with its customer's email and its items in one query. */
@Injectable()
export class OrderRepository {
  constructor(@InjectRepository(Order) private readonly orders: Repository<Order>) {}

  async find(accountId: string, id: string): Promise<OrderView | null> {
    const [order] = await this.orders.query<OrderView[]>(FIND, [accountId, id]);
    return order ?? null;
  }

  /** Reads an order as the transaction has changed it. @param query Of that transaction. */
  async findWithin(query: Query, accountId: string, id: string): Promise<OrderView | null> {
    const [order] = await query<OrderView>({ name: 'order_find', text: FIND }, [accountId, id]);
    return order ?? null;
  }

  /**
   * The page is picked before its customers and items are read. For the orders of a few customers, each one's newest orders
   * are read from the index by customer: first the newest of each, because only the customers with the newest ones can be
   * on the page. A search that matches many customers finds enough among the newest orders.
   * @returns Orders, newest first.
   */
  async list(filter: OrderFilter): Promise<OrderView[]> {
    const parameters = new Parameters();
    const limit = parameters.add(filter.limit);
    const { customerIds } = filter;
    const picked = customerIds
      ? ofCustomers(parameters.add(customerIds), conditions(filter, parameters), limit)
      : `SELECT o.id FROM orders o WHERE ${conditions(filter, parameters)} ORDER BY o.id DESC LIMIT ${limit}`;
    const text = `${VIEW} WHERE o.id IN (${picked}) ORDER BY o.id DESC`;
    return this.orders.query<OrderView[]>(text, parameters.values);
  }
}

function ofCustomers(ids: string, filters: string, limit: string): string {
  const newest = `SELECT o.id FROM orders o WHERE o.customer_id = customer.id AND ${filters} ORDER BY o.id DESC`;
  return `SELECT o.id FROM (
      SELECT customer.id FROM unnest(${ids}::uuid[]) AS customer (id) CROSS JOIN LATERAL (${newest} LIMIT 1) o
      ORDER BY o.id DESC LIMIT ${limit}
    ) customer CROSS JOIN LATERAL (${newest} LIMIT ${limit}) o ORDER BY o.id DESC LIMIT ${limit}`;
}

function conditions(filter: OrderFilter, parameters: Parameters): string {
  const { accountId, status, customerId, customerIds, email, placedFrom, placedTo, isArchivedIncluded, beforeId } =
    filter;
  const all = [`o.account_id = ${parameters.add(accountId)}`];
  if (status) all.push(`o.status = ${parameters.add(status)}`);
  if (customerId) all.push(`o.customer_id = ${parameters.add(customerId)}`);
  if (placedFrom) all.push(`o.placed_at >= ${parameters.add(placedFrom)}`);
  if (placedTo) all.push(`o.placed_at < ${parameters.add(placedTo)}`);
  if (!isArchivedIncluded) all.push('NOT o.is_archived');
  if (beforeId) all.push(`o.id < ${parameters.add(beforeId)}`);
  // A subquery, not a join: the planner cannot turn it into a scan of all orders of all matching customers.
  if (email !== undefined && !customerIds)
    all.push(
      `(SELECT lower(c.email) LIKE ${parameters.add(containing(email))} FROM customers c WHERE c.id = o.customer_id)`,
    );
  return all.join(' AND ');
}
