import type { NewFanOut, NewMail } from '../../mail/new-mail.js';
import type { EventFacts, FieldChange } from '../../mail/templates/template-data.js';
import type { EventRow } from '../events/event-row.js';
import { money } from '../events/money.js';
import type { BookingOfEvent } from './booking-row.js';

/** The message that confirms a booking. */
export const confirmedMail = (booked: BookingOfEvent): NewMail => ofBooking('booking-confirmed', booked);

/** The message that confirms the cancellation of a booking by its customer. */
export const cancelledMail = (cancelled: BookingOfEvent): NewMail => ofBooking('booking-cancelled', cancelled);

/** The message to all attendees of an event that has changed. @param event After the change. */
export function changedEventMail(event: EventRow, changes: readonly FieldChange[]): NewFanOut {
  const data = { event: factsOf(event), changes: [...changes] };
  return { accountId: event.account_id, eventId: event.id, template: 'event-changed', data };
}

/** The message to all attendees of an event that was cancelled. */
export function cancelledEventMail(event: EventRow): NewFanOut {
  return {
    accountId: event.account_id,
    eventId: event.id,
    template: 'event-cancelled',
    data: { event: factsOf(event) },
  };
}

function ofBooking(template: 'booking-confirmed' | 'booking-cancelled', { booking, event }: BookingOfEvent): NewMail {
  const data = {
    event: factsOf(event),
    num_tickets: booking.num_tickets,
    total: money(booking.total_cents, booking.currency),
  };
  return { accountId: event.account_id, to: booking.customer_email, template, data };
}

function factsOf({ title, date, location }: EventRow): EventFacts {
  return { title, date: new Date(date).toISOString(), location };
}
