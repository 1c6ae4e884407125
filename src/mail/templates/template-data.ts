/** An event as messages show it. */
export interface EventFacts {
  title: string;
  /** ISO 8601, UTC. */
  date: string;
  location: string;
}

/** A booking as messages show it. */
export interface BookingFacts {
  event: EventFacts;
  num_tickets: number;
  /** With its currency, such as `25.00 EUR`. */
  total: string;
}

/** A field of an event that changed, in words for attendees, such as `{ field: 'location', from: 'Hall 1', to: 'Hall 2' }`. */
export interface FieldChange {
  field: string;
  from: string;
  to: string;
}

/** The data of each template. `event` is the event after the change. */
export interface TemplateData {
  'booking-confirmed': BookingFacts;
  'booking-cancelled': BookingFacts;
  'event-changed': { event: EventFacts; changes: FieldChange[] };
  'event-cancelled': { event: EventFacts };
  /** `token` is secret; `expires_at` is ISO 8601, UTC. */
  'password-reset': { name: string; token: string; expires_at: string };
}

export const TEMPLATE_NAMES = [
  'booking-confirmed',
  'booking-cancelled',
  'event-changed',
  'event-cancelled',
  'password-reset',
] as const satisfies readonly (keyof TemplateData)[];
export type TemplateName = keyof TemplateData;

/** The templates of messages to all attendees of an event. */
export type FanOutTemplate = 'event-changed' | 'event-cancelled';
