import type { FanOutTemplate } from './templates/template-data.js';

/** Port: the attendees of an event. The owner of the bookings implements it. */
export abstract class Attendees {
  /**
   * Returns the SELECT of the addresses that get a fan-out, as one text column `address`; an address may occur more than once.
   * It reads the one row of the fan-out from `fan_out (event_id uuid, created_at timestamptz)`, the time of the transaction
   * that added it, and has no parameters:
   *
   *     SELECT b.email AS address FROM fan_out f JOIN bookings b ON b.event_id = f.event_id WHERE b.status = 'confirmed'
   */
  abstract addresses(template: FanOutTemplate): string;
}
