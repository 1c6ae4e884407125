import { Injectable } from '@nestjs/common';
import { Attendees } from '../../mail/attendees.js';
import type { FanOutTemplate } from '../../mail/templates/template-data.js';

const ADDRESSES: Record<FanOutTemplate, string> = {
  // Customers who booked after the change have seen it.
  'event-changed': `SELECT b.customer_email AS address FROM fan_out f JOIN bookings b ON b.event_id = f.event_id
    WHERE b.status = 'confirmed' AND b.created_at <= f.created_at`,
  // Without the bookings that customers cancelled before the event was.
  'event-cancelled': `SELECT b.customer_email AS address FROM fan_out f JOIN events e ON e.id = f.event_id
      JOIN bookings b ON b.event_id = e.id AND b.cancelled_at = e.cancelled_at`,
};

/** The addresses of an event's bookings, for the messages to all its attendees. The worker of the mail runs the SQL. */
@Injectable()
export class EventAttendees extends Attendees {
  addresses(template: FanOutTemplate): string {
    return ADDRESSES[template];
  }
}
