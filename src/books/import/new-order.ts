import { newId } from '../../platform/ids.js';
import type { BatchOrder } from './batch.store.js';
import type { ImportOrder } from './file/import-row.js';

/** Returns the times of an order. A paid one without a time of payment was paid when it was placed. */
function timesOf(order: ImportOrder, now: Date): Pick<BatchOrder, 'placedAt' | 'paidAt' | 'cancelledAt'> {
  const placedAt = order.placed_at ?? now;
  const isPaid = order.status === 'paid' || order.status === 'shipped';
  const paidAt = order.paid_at ?? (isPaid ? placedAt : null);
  const cancelled = order.cancelled_at ?? (paidAt && paidAt > now ? paidAt : now);
  return { placedAt, paidAt, cancelledAt: order.status === 'cancelled' ? cancelled : null };
}

/** Returns the order to store. @param now By the clock of the database. */
export function batchOrder(order: ImportOrder, customerId: string, baseCurrency: string, now: Date): BatchOrder {
  return {
    id: newId(),
    customerId,
    status: order.status,
    currency: order.currency ?? baseCurrency,
    externalRef: order.external_ref,
    ...timesOf(order, now),
    items: order.items.map(({ sku, quantity, unit_price_cents }) => {
      return { id: newId(), sku, quantity, unitPriceCents: unit_price_cents };
    }),
  };
}

/** Returns the months (UTC, YYYY-MM) that an order posts into, each with the field that decides it. */
export function closableMonths(order: ImportOrder, now: Date): Map<string, string> {
  const { paidAt, cancelledAt } = timesOf(order, now);
  const months = new Map<string, string>();
  // An order of 0 cents posts nothing.
  if (!paidAt || order.items.every(({ unit_price_cents }) => unit_price_cents === 0)) return months;
  if (cancelledAt) months.set(monthOf(cancelledAt), 'cancelled_at');
  return months.set(monthOf(paidAt), 'paid_at');
}

const monthOf = (time: Date): string => time.toISOString().slice(0, 7);
