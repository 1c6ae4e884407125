import { z } from 'zod';
import { atLeastOne } from '../../http/fields/at-least-one.js';
import { dateTime } from '../../http/fields/date-time.js';
import { label } from '../../http/fields/label.js';
import { currency } from '../currency.js';
import { pageFields, pageLimit } from '../../http/fields/page-query.js';
import { emailPart } from '../customers/customer.schema.js';
import { ORDER_STATUSES } from './order.entity.js';

/** Items of an order. */
export const MAX_ITEMS = 1_000;
const TOO_LARGE = `the total must be at most ${Number.MAX_SAFE_INTEGER} cents`;

const item = z
  .strictObject({
    sku: label(100),
    quantity: z.int().min(1).max(1_000_000),
    unit_price_cents: z.int().min(0).max(1_000_000_000_000),
  })
  .meta({ id: 'OrderItemBody' });
/** The items of an order. */
export const orderItems = z
  .array(item)
  .min(1)
  .max(MAX_ITEMS)
  .refine(
    (all) =>
      all.reduce((sum, { quantity, unit_price_cents }) => sum + quantity * unit_price_cents, 0) <=
      Number.MAX_SAFE_INTEGER,
    TOO_LARGE,
  );

/** The fields of an order that callers set. */
export const orderFields = {
  customer_id: z.uuid(),
  currency: currency.describe('ISO 4217; by default `BASE_CURRENCY`'),
  external_ref: label(200).describe('Your own name for the order; unique in the account'),
  placed_at: dateTime.describe('By default the time of the request'),
};

export const createOrderBody = z
  .strictObject({
    customer_id: orderFields.customer_id,
    currency: orderFields.currency.optional(),
    external_ref: orderFields.external_ref.optional(),
    placed_at: orderFields.placed_at.optional(),
    items: orderItems,
  })
  .meta({
    id: 'CreateOrderBody',
    example: {
      customer_id: '019aa000-0000-7000-8000-000000000001',
      currency: 'USD',
      items: [{ sku: 'A-1', quantity: 2, unit_price_cents: 12_50 }],
    },
  });
export type CreateOrderBody = z.infer<typeof createOrderBody>;

export const changeOrderBody = atLeastOne(
  z.strictObject({
    currency: orderFields.currency.optional(),
    external_ref: orderFields.external_ref.nullable().optional(),
    placed_at: orderFields.placed_at.optional(),
    items: orderItems.optional().describe('Replace the items of a draft'),
  }),
).meta({ id: 'ChangeOrderBody', example: { items: [{ sku: 'A-1', quantity: 3, unit_price_cents: 12_50 }] } });
export type ChangeOrderBody = z.infer<typeof changeOrderBody>;

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

export const customerOrdersQuery = z.strictObject({
  status: z.enum(ORDER_STATUSES).optional(),
  placed_from: dateTime.optional().describe('Orders placed at this time or later'),
  placed_to: dateTime.optional().describe('Orders placed before this time'),
  include_archived: flag.default(false).describe('Archived orders are left out by default'),
  ...pageFields('Orders'),
});

export const ordersQuery = customerOrdersQuery.extend({
  email: emailPart.optional().describe("Part of the customer's current email, in any case"),
  customer_id: z.uuid().optional(),
});
export type OrdersQuery = z.infer<typeof ordersQuery>;
export type CustomerOrdersQuery = z.infer<typeof customerOrdersQuery>;

export const summaryQuery = z.strictObject({
  limit: pageLimit('Customers').describe('Customers in the summary'),
  currency: orderFields.currency.optional(),
});
export type SummaryQuery = z.infer<typeof summaryQuery>;

const timestamp = z.iso.datetime();
const cents = z.int().describe('Minor units of the currency');

export const orderView = z
  .object({
    id: z.uuid(),
    customer_id: z.uuid(),
    customer_email: z.string().describe('Fixed when the order is paid'),
    status: z.enum(ORDER_STATUSES),
    currency: z.string(),
    total_cents: cents,
    is_archived: z.boolean(),
    external_ref: z.string().nullable(),
    placed_at: timestamp,
    paid_at: timestamp.nullable(),
    cancelled_at: timestamp.nullable(),
    version: z.int().describe('Grows with every change; also the ETag'),
    created_at: timestamp,
    updated_at: timestamp,
    items: z.array(
      z
        .object({
          id: z.uuid(),
          sku: z.string(),
          quantity: z.int(),
          unit_price_cents: cents,
          line_total_cents: cents,
        })
        .meta({ id: 'OrderItem' }),
    ),
  })
  .meta({ id: 'Order' });
/** The answers to callers without `books:read`. */
export const createdOrder = orderView.partial({ customer_email: true }).meta({ id: 'CreatedOrder' });
export const changedOrder = orderView
  .partial()
  .required({ id: true, version: true, updated_at: true })
  .meta({ id: 'ChangedOrder' });
export const orderPage = z
  .object({ orders: z.array(orderView), next_cursor: z.uuid().nullable() })
  .meta({ id: 'OrderPage' });
export const movedOrder = z.object({ id: z.uuid(), status: z.enum(ORDER_STATUSES) }).meta({ id: 'MovedOrder' });
export const archivedOrder = z.object({ id: z.uuid(), is_archived: z.boolean() }).meta({ id: 'ArchivedOrder' });
export const summaryView = z
  .object({
    limit: z.int(),
    currency: z.string(),
    rows: z.array(
      z
        .object({ customer_id: z.uuid(), email: z.string(), order_count: z.int(), total_cents: cents })
        .meta({ id: 'OrderSummaryRow' }),
    ),
  })
  .meta({ id: 'OrderSummary' });
