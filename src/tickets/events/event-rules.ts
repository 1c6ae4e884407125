import { InvalidInput } from '../../http/validation.js';
import type { FieldChange } from '../../mail/templates/template-data.js';
import type { EventRow } from './event-row.js';
import { money } from './money.js';
import type { ChangeEventBody } from './event.schema.js';
import { CurrencyFixed, EventCancelled, EventPast, TicketsAlreadySold } from './events.errors.js';

/** @throws InvalidInput unless an event that begins at `date` can be published or moved there. */
export function checkDate(date: Date, now: Date): void {
  if (date <= now) throw new InvalidInput('body', [{ path: 'date', message: 'must be in the future' }]);
}

/** Whether an event has begun. */
export const isPast = ({ date }: Pick<EventRow, 'date'>, now: Date): boolean => new Date(date) <= now;

/** The fields that attendees read about. The price has its currency. */
const SHOWN: Record<string, (event: EventRow) => string> = {
  title: ({ title }) => title,
  description: ({ description }) => description,
  date: ({ date }) => new Date(date).toISOString(),
  location: ({ location }) => location,
  'total tickets': ({ total_tickets }) => String(total_tickets),
  price: ({ price_cents, currency }) => money(price_cents, currency),
};

/** @returns The fields that differ between two states of an event. */
export function changesOf(before: EventRow, after: EventRow): FieldChange[] {
  return Object.entries(SHOWN).flatMap(([field, shown]) => {
    const [from, to] = [shown(before), shown(after)];
    return from === to ? [] : [{ field, from, to }];
  });
}

/** Returns an event as a change would leave it. */
export const changed = (event: EventRow, body: ChangeEventBody): EventRow => ({ ...event, ...given(body) });

const given = (body: ChangeEventBody): ChangeEventBody =>
  Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));

/**
 * Checks a change against the sales of the event.
 * @throws EventCancelled, TicketsAlreadySold, CurrencyFixed, InvalidInput for a new date in the past
 */
export function checkChange(event: EventRow, body: ChangeEventBody, now: Date): void {
  if (event.status === 'cancelled') throw new EventCancelled();
  const { total_tickets, currency, date } = body;
  if (total_tickets !== undefined && total_tickets < event.tickets_sold) {
    throw new TicketsAlreadySold(event.tickets_sold);
  }
  if (currency !== undefined && currency !== event.currency && event.tickets_sold > 0) {
    throw new CurrencyFixed(event.currency);
  }
  if (date !== undefined && date.getTime() !== new Date(event.date).getTime()) checkDate(date, now);
}

/** @throws EventCancelled, EventPast unless tickets of the event can be booked or given back. */
export function checkOpen(event: Pick<EventRow, 'status' | 'date'>, now: Date): void {
  if (event.status === 'cancelled') throw new EventCancelled();
  if (isPast(event, now)) throw new EventPast();
}
