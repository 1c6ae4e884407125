import { type NewEntry, reversed } from '../journal/journal-entry.js';
import type { LockedOrder } from './order.store.js';

export const SOURCE_TYPE = 'order';
export const PAID = 'order.paid';
export const CANCELLED = 'order.cancelled';

/** The part of an order that its entries show. */
export type PostedOrder = Pick<LockedOrder, 'id' | 'customerId' | 'currency' | 'totalCents'>;

/** The entry of a payment: debit `assets:cash`, credit `income:orders`, with the customer on the lines. */
export function paymentEntry(order: PostedOrder, paidAt: Date): NewEntry {
  const { id, customerId, currency, totalCents } = order;
  const line = { currency, customerId };
  return {
    effectiveAt: paidAt,
    kind: PAID,
    source: { type: SOURCE_TYPE, id },
    lines: [
      { ...line, ledgerAccount: 'assets:cash', amountCents: totalCents },
      { ...line, ledgerAccount: 'income:orders', amountCents: -totalCents },
    ],
  };
}

/** The entry of a cancellation: the reversal of the payment. @param reverses The number of the payment's entry. */
export function cancellationEntry(order: PostedOrder, cancelledAt: Date, reverses: number): NewEntry {
  const payment = paymentEntry(order, cancelledAt);
  return { ...payment, kind: CANCELLED, reverses, lines: reversed(payment.lines) };
}
