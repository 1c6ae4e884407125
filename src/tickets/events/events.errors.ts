import { DaybookError } from '../../platform/errors.js';

export class EventNotFound extends DaybookError {
  readonly code = 'event-not-found';
  /** @param path The field of the body that names the event. */
  constructor(override readonly path?: string) {
    super('Event not found');
  }
}

/** The event belongs to another organizer. Everyone may read it. */
export class EventNotOwn extends DaybookError {
  readonly code = 'event-not-own';
  override readonly message = 'The event belongs to another organizer';
}

export class EventCancelled extends DaybookError {
  readonly code = 'event-cancelled';
  override readonly message = 'The event is cancelled';
}

/** The event has begun: its tickets cannot be booked or given back any more. */
export class EventPast extends DaybookError {
  readonly code = 'event-past';
  override readonly message = 'The event has begun';
}

/** The change would leave the event with fewer tickets than are sold. */
export class TicketsAlreadySold extends DaybookError {
  readonly code = 'tickets-already-sold';
  override readonly path = 'total_tickets';
  constructor(sold: number) {
    super(`${sold} ${sold === 1 ? 'ticket is' : 'tickets are'} sold; total_tickets must be at least that`);
  }
}

/** The currency of an event is fixed while tickets are sold. */
export class CurrencyFixed extends DaybookError {
  readonly code = 'currency-fixed';
  override readonly path = 'currency';
  constructor(currency: string) {
    super(`Tickets are sold in ${currency}; the currency cannot change while they are`);
  }
}
