import { DaybookError } from '../../platform/errors.js';

export class BookingNotFound extends DaybookError {
  readonly code = 'booking-not-found';
  override readonly message = 'Booking not found';
}

/** The booking is cancelled already. */
export class BookingCancelled extends DaybookError {
  readonly code = 'booking-cancelled';
  override readonly message = 'The booking is cancelled already';
}

/** Fewer tickets are left than the booking needs. */
export class SoldOut extends DaybookError {
  readonly code = 'sold-out';
  override readonly path = 'num_tickets';
  constructor(readonly ticketsLeft: number) {
    super(left(ticketsLeft));
  }
}

function left(tickets: number): string {
  if (tickets === 0) return 'The event is sold out: 0 tickets are left';
  return tickets === 1 ? 'Only 1 ticket is left' : `Only ${tickets} tickets are left`;
}
