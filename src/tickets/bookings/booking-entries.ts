import { type NewEntry, reversed } from '../../books/journal/journal-entry.js';
import type { BookingRow } from './booking-row.js';

export const SOURCE_TYPE = 'booking';
export const SOLD = 'ticket.sold';
export const CANCELLED = 'ticket.cancelled';

/** The part of a booking that its entries show. */
export type PostedBooking = Pick<BookingRow, 'id' | 'currency' | 'total_cents' | 'created_at'>;

/** The entry of a sale: debit `assets:cash`, credit `income:tickets`. */
export function saleEntry({ id, currency, total_cents, created_at }: PostedBooking): NewEntry {
  return {
    effectiveAt: new Date(created_at),
    kind: SOLD,
    source: { type: SOURCE_TYPE, id },
    lines: [
      { currency, ledgerAccount: 'assets:cash', amountCents: total_cents },
      { currency, ledgerAccount: 'income:tickets', amountCents: -total_cents },
    ],
  };
}

/** The entry of a cancellation: the reversal of the sale. @param reverses The number of the sale's entry. */
export function cancellationEntry(booking: PostedBooking, cancelledAt: Date, reverses: number): NewEntry {
  const sale = saleEntry(booking);
  return { ...sale, effectiveAt: cancelledAt, kind: CANCELLED, reverses, lines: reversed(sale.lines) };
}
