import type { FanOutTemplate } from './templates/template-data.js';

/** Port: the attendees of an event. The owner of the bookings implements it. */
export abstract class Attendees {
  /**
   * Returns a query for the addresses that get a fan-out. The statement that adds their messages embeds it, so that addresses
   * do not travel through the process.
   *
   * The query has no parameters. It joins the table `fan_out`, which has one row: `event_id` (uuid) and `created_at`
   * (timestamptz), the time of the transaction that added the fan-out. Its one column is `address` (text); an address may
   * occur more than once.
   */
  abstract addresses(template: FanOutTemplate): string;
}
