import { z } from 'zod';
import { dateTime } from '../../../http/fields/date-time.js';
import { customerEmail, customerName } from '../../customers/customer.schema.js';
import { ORDER_STATUSES } from '../../orders/order.entity.js';
import { orderFields, orderItems } from '../../orders/order.schema.js';

/** The reason why an order is not imported. */
export interface RowError {
  /** Line of the file. */
  row: number;
  externalRef: string | null;
  /** Empty for the row as a whole. */
  field: string;
  message: string;
}

/** An order of a file: valid, or with the reasons why it is not. */
export interface ImportedOrder {
  /** Its first line. */
  row: number;
  /** Its lines. */
  rows: number;
  order: ImportOrder | null;
  errors: RowError[];
}

/** Errors of one order that are kept. */
export const MAX_ORDER_ERRORS = 20;
const MAX_TEXT = 200;
const UNSAFE = /[\p{Cc}\p{Surrogate}\u2028\u2029]/gu;

/** An order as in `POST /api/orders`, and what has happened to it since. */
export const importOrder = z
  .strictObject({
    external_ref: orderFields.external_ref,
    customer_id: orderFields.customer_id.optional(),
    customer_email: customerEmail.optional(),
    customer_name: customerName.optional(),
    currency: orderFields.currency.optional(),
    placed_at: orderFields.placed_at.optional(),
    status: z.enum(ORDER_STATUSES).default('draft'),
    paid_at: dateTime.optional(),
    cancelled_at: dateTime.optional(),
    items: orderItems,
  })
  .superRefine((order, context) => {
    const { customer_id, customer_email, status, paid_at, cancelled_at } = order;
    const refuse = (field: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [field], message });
    if (customer_id === undefined && customer_email === undefined) refuse('customer_email', 'is required');
    if (customer_id !== undefined && customer_email !== undefined)
      refuse('customer_id', 'must not come with customer_email');
    if (status === 'draft' && paid_at) refuse('paid_at', 'must be empty for a draft');
    if (status !== 'cancelled' && cancelled_at) refuse('cancelled_at', 'must be empty unless the status is cancelled');
    if (paid_at && cancelled_at && cancelled_at < paid_at) refuse('cancelled_at', 'must not be before paid_at');
  });
export type ImportOrder = z.output<typeof importOrder>;

/** Returns text of a file for the list of errors: short, and without characters that a terminal or Postgres would refuse. */
export function shown(text: string): string {
  return text.slice(0, MAX_TEXT).replaceAll(UNSAFE, '\ufffd');
}

/** @param ref Of the order, if it can be read. */
export function rowError(row: number, ref: unknown, field: string, message: string): RowError {
  const externalRef = typeof ref === 'string' && ref !== '' ? shown(ref) : null;
  return { row, externalRef, field: shown(field), message: shown(message) };
}

/** An order that cannot be imported. */
export function refusedOrder(row: number, rows: number, errors: RowError[]): ImportedOrder {
  return { row, rows, order: null, errors: errors.slice(0, MAX_ORDER_ERRORS) };
}
