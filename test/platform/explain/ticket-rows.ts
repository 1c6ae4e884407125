import type pg from 'pg';
import { BOOKS } from './books-rows.js';
import { SORTED_ID } from './sorted-id.js';

export const EVENTS = 50_000;
export const BOOKINGS = 200_000;
/** The first event has a fourth of the bookings. */
const BIG = BOOKINGS / 4;

/** One event an hour, the first of them past; one title and one location of 5,000 is rare. */
export async function fillTickets(client: pg.Client): Promise<void> {
  await client.query(`INSERT INTO events (id, account_id, organizer_id, organizer_name, title, description, date, location,
      total_tickets, tickets_sold, price_cents, currency)
    SELECT ${SORTED_ID('n')}, '${BOOKS}', ${SORTED_ID('1 + n % 100')}, 'Organizer',
      CASE WHEN n % 5000 = 7 THEN 'Rarity ' ELSE 'Concert ' END || n, repeat('Several bands play. ', 10),
      now() + (n - 1000) * interval '1 hour', CASE WHEN n % 5000 = 9 THEN 'Oddville' ELSE 'Old Brewery' END, 1000000,
      CASE WHEN n = 1 THEN ${BIG} ELSE 10 END, 100, 'EUR' FROM generate_series(1, ${EVENTS}) n`);
  await client.query(`INSERT INTO bookings (id, account_id, event_id, event_title, customer_id, customer_name, customer_email,
      num_tickets, price_cents, currency, total_cents)
    SELECT ${SORTED_ID('n')}, '${BOOKS}', CASE WHEN n <= ${BIG} THEN ${SORTED_ID('1')} ELSE ${SORTED_ID(`2 + n % ${EVENTS - 2}`)} END,
      'Concert', ${SORTED_ID('1 + n % 5000')}, 'Customer', n || '@customer.example', 1, 100, 'EUR', 100
    FROM generate_series(1, ${BOOKINGS}) n`);
}
