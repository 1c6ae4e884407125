/**
 * `daybook books verify` finds nothing in the bookings that the service writes, and finds each difference between
 * bookings, events and the journal that a superuser can plant.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { VerificationStore } from '../../src/books/verify/verification.store.js';
import { newId } from '../../src/platform/ids.js';
import { BOOKINGS } from '../../src/tickets/bookings/booking-checks.store.js';
import { newBooks, postEntries, transfer } from '../books/books-fixture.js';
import { openStores, type Stores } from '../support/stores.js';
import { EVENT } from './tickets-fixture.js';
import { newUser, ticketServices } from './tickets-services.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});

/** Books with a confirmed, a cancelled and a free booking. The entries: 1 and 2 sell, 3 reverses 2, 4 adjusts. */
interface Books {
  account: string;
  event: string;
  confirmed: string;
  cancelled: string;
  free: string;
}

async function books(): Promise<Books> {
  const { events, bookings } = ticketServices(stores);
  const account = newBooks();
  const [organizer, customer] = [newUser('organizer'), newUser('customer')];
  const fields = { ...EVENT, date: new Date(EVENT.date) };
  const event = await events.create(organizer, account, fields, null);
  const gift = await events.create(organizer, account, { ...fields, price_cents: 0 }, null);
  const book = (event_id: string) => bookings.book(customer, { event_id, num_tickets: 2 }, null);
  const [confirmed, cancelled, free] = [await book(event.id), await book(event.id), await book(gift.id)];
  await bookings.cancel(customer, cancelled.id, null);
  await postEntries(stores, account, [transfer(70)]);
  return { account, event: event.id, confirmed: confirmed.id, cancelled: cancelled.id, free: free.id };
}

async function findings(account: string): Promise<string[]> {
  const { found } = await new VerificationStore(stores.database, [BOOKINGS]).verify(account);
  return found.flatMap(({ check, findings: all }) => all.map(({ detail }) => `${check}: ${detail}`));
}

const TABLES = ['journal_entries', 'journal_lines', 'bookings', 'events'];

/** Changes the books as only a superuser can: without triggers, and so without foreign keys. */
async function plant(text: string, values: unknown[]): Promise<void> {
  await stores.database.inTransaction(async (query) => {
    for (const table of TABLES) await query({ name: '', text: `ALTER TABLE ${table} DISABLE TRIGGER ALL` });
    await query({ name: '', text }, values);
    for (const table of TABLES) await query({ name: '', text: `ALTER TABLE ${table} ENABLE TRIGGER ALL` });
  });
}

describe('the bookings that the service writes', () => {
  it('have no findings', async () => {
    const { account } = await books();
    expect(await findings(account)).toEqual([]);
  });

  it('have none after the event was deleted with more bookings than one statement refunds', async () => {
    const { events, bookings } = ticketServices(stores);
    const account = newBooks();
    const organizer = newUser('organizer');
    const event = await events.create(organizer, account, { ...EVENT, date: new Date(EVENT.date) }, null);
    for (let n = 0; n < 5; n++) await bookings.book(newUser('customer'), { event_id: event.id, num_tickets: 1 }, null);
    expect(await events.remove(organizer, event.id)).toBe(5);
    expect(await findings(account)).toEqual([]);
  });
});

describe('finds', () => {
  it.each<[string, string, (books: Books) => unknown[], RegExp[]]>([
    [
      'a booking that has not posted its sale',
      `UPDATE journal_entries SET source_id = NULL, source_type = NULL, kind = 'adjustment' WHERE account_id = $1 AND source_id = $2`,
      ({ account, confirmed }) => [account, confirmed],
      [/^booking-not-posted: booking \S+ has no entry ticket\.sold$/],
    ],
    [
      'a cancelled booking without its reversal',
      `UPDATE journal_entries SET source_id = NULL, source_type = NULL, kind = 'reversal' WHERE account_id = $1 AND number = 3`,
      ({ account }) => [account],
      [/^booking-not-posted: booking \S+ has no entry ticket\.cancelled$/],
    ],
    [
      'a cancelled booking that was confirmed again',
      `WITH event AS (UPDATE events SET tickets_sold = 4 WHERE account_id = $1 AND price_cents > 0)
        UPDATE bookings SET status = 'confirmed', cancelled_at = NULL WHERE account_id = $1 AND id = $2`,
      ({ account, cancelled }) => [account, cancelled],
      [/^booking-unexpected: entry 3 \(ticket\.cancelled\) names booking \S+, which does not post it$/],
    ],
    [
      'an entry of a booking that does not exist',
      `UPDATE journal_entries SET kind = 'ticket.sold', source_type = 'booking', source_id = $2 WHERE account_id = $1 AND number = 4`,
      ({ account }) => [account, newId()],
      [/^booking-unexpected: entry 4 \(ticket\.sold\) names booking \S+, which does not post it$/],
    ],
    [
      'an entry of a free booking',
      `UPDATE journal_entries SET kind = 'ticket.sold', source_type = 'booking', source_id = $2 WHERE account_id = $1 AND number = 4`,
      ({ account, free }) => [account, free],
      [/^booking-unexpected: entry 4 /],
    ],
    [
      "an entry without a source that looks like a booking's",
      `UPDATE journal_entries SET kind = 'ticket.sold' WHERE account_id = $1 AND number = 4`,
      ({ account }) => [account],
      [/^booking-unexpected: entry 4 is ticket\.sold and names no booking$/],
    ],
    [
      'another price than the booking has',
      'UPDATE journal_lines SET amount_cents = sign(amount_cents) * 4999 WHERE account_id = $1 AND number = 1',
      ({ account }) => [account],
      [
        /^booking-entry: entry 1 \(ticket\.sold\) .* move EUR 5000 from income:tickets to assets:cash; .* has assets:cash EUR 4999, /,
      ],
    ],
    [
      'another currency than the booking has',
      `UPDATE journal_lines SET currency = 'USD' WHERE account_id = $1 AND number = 1`,
      ({ account }) => [account],
      [/^booking-entry: entry 1 /],
    ],
    [
      'another time than that of the booking',
      `UPDATE journal_entries SET effective_at = effective_at + interval '1 s' WHERE account_id = $1 AND number = 1`,
      ({ account }) => [account],
      [/^booking-entry: entry 1 \(ticket\.sold\) of booking \S+ should be effective at /],
    ],
    [
      'a cancellation that reverses another sale',
      'UPDATE journal_entries SET reverses = 1 WHERE account_id = $1 AND number = 3',
      ({ account }) => [account],
      [/^booking-entry: entry 3 \(ticket\.cancelled\) .* reverse 2, .* reverses 1, /],
    ],
    [
      'more tickets sold than are booked',
      'UPDATE events SET tickets_sold = 3 WHERE account_id = $1 AND id = $2',
      ({ account, event }) => [account, event],
      [/^tickets-sold: event \S+ has sold 3 of 100 tickets; its confirmed bookings have 2$/],
    ],
  ])('%s', async (_, text, values, expected) => {
    const planted = await books();
    await plant(text, values(planted));
    const all = await findings(planted.account);
    for (const message of expected) expect(all).toContainEqual(expect.stringMatching(message));
    expect(all.filter((line) => !expected.some((message) => message.test(line)))).toEqual([]);
  });

  it('a booking in other books than its event', async () => {
    const [{ free }, moved] = [await books(), newBooks()];
    await plant('UPDATE bookings SET account_id = $1 WHERE id = $2', [moved, free]);
    expect(await findings(moved)).toEqual([
      expect.stringMatching(/^booking-books: booking \S+ of event \S+ is in other/),
    ]);
  });
});
