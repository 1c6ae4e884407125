import { expect, it } from '@jest/globals';
import { NIL, v7 as uuidv7 } from 'uuid';
import { JournalStore } from '../../../src/books/journal/journal.store.js';
import { Booking } from '../../../src/tickets/bookings/booking.entity.js';
import { saleEntry } from '../../../src/tickets/bookings/booking-entries.js';
import { BookingRepository } from '../../../src/tickets/bookings/booking.repository.js';
import { BookingStore } from '../../../src/tickets/bookings/booking.store.js';
import { Event } from '../../../src/tickets/events/event.entity.js';
import { EventRepository } from '../../../src/tickets/events/event.repository.js';
import { EventStore } from '../../../src/tickets/events/event.store.js';
import { BOOKS, idOf } from './books-rows.js';
import type { Explained } from './explained.js';
import { BOOKINGS, EVENTS } from './ticket-rows.js';

const LIMIT = 51;
const DAY_MS = 86_400_000;
const inDays = (days: number): Date => new Date(Date.now() + days * DAY_MS);

/** Booking, changing and listing events. */
export function ticketPlans(explained: Explained): void {
  const events = () => new EventRepository(explained.dataSource.getRepository(Event));
  const bookings = () => new BookingRepository(explained.dataSource.getRepository(Booking));

  it('booking, cancelling and refunding', () =>
    explained.expectCheap(async () => {
      const [store, journal] = [new BookingStore(), new JournalStore()];
      await explained.database.transaction(async (query) => {
        const [id, eventId, customerId] = [uuidv7(), idOf(EVENTS), idOf(3)];
        const customer = { customerId, customerName: 'C', customerEmail: 'c@customer.example' };
        const booked = (await store.book(query, { id, eventId, ...customer, numTickets: 2 }))!;
        await journal.post(query, BOOKS, [saleEntry(booked.booking)]);
        expect(await store.availability(query, eventId)).toMatchObject({ left: 1_000_000 - 12 });
        expect(await store.lockEvent(query, customerId, id)).toMatchObject({ tickets_sold: 12 });
        expect(await store.cancel(query, id)).toMatchObject({ event: { tickets_sold: 10 } });
        const reversals = { kind: 'ticket.sold', reversalKind: 'ticket.cancelled', effectiveAt: new Date() };
        expect(await journal.reverseAll(query, BOOKS, { ...reversals, sourceIds: [id, uuidv7()] })).toBe(1);
        return false;
      });
    }, 300));

  it('changing and cancelling an event with many bookings', () =>
    explained.expectCheap(async () => {
      const [store, sold] = [new EventStore(), new BookingStore()];
      await explained.database.transaction(async (query) => {
        const id = idOf(1);
        expect(await store.lock(query, id)).toMatchObject({ tickets_sold: BOOKINGS / 4 });
        await store.change(query, id, { location: 'Elsewhere' });
        expect(await store.removeUnbooked(query, id)).toBe(false);
        const { cancelled_at } = await store.cancel(query, id);
        const first = await sold.cancelNext(query, id, cancelled_at, NIL, 50);
        expect(await sold.cancelNext(query, id, cancelled_at, first.at(-1)!, 50)).toHaveLength(50);
        return false;
      });
    }, 1_000));

  const filters = [
    {},
    { from: inDays(0) },
    { to: inDays(0) },
    { from: inDays(3), to: inDays(5) },
    { from: inDays(99_999) },
    { q: 'concert', from: inDays(0) },
    { q: 'rarity', from: inDays(0) },
    { q: 'absent' },
    { location: 'brewery', from: inDays(0) },
    { location: 'oddville', from: inDays(0) },
    { location: 'oddville', q: 'concert', from: inDays(0) },
    { organizerId: idOf(7) },
    { organizerId: idOf(7), from: inDays(0), after: { date: inDays(100), id: NIL } },
    { organizerId: idOf(7), q: 'rarity' },
    { organizerId: uuidv7() },
    { after: { date: inDays(100), id: NIL } },
  ];
  it.each(filters)('listing the events of %j', (filter) =>
    explained.expectCheap(async () => {
      await events().list({ ...filter, limit: LIMIT });
      expect(await events().find(idOf(5))).toMatchObject({ title: 'Concert 5' });
    }),
  );

  it('listing and finding bookings', () =>
    explained.expectCheap(async () => {
      expect(await bookings().find(idOf(3), idOf(2))).toMatchObject({ booking: { num_tickets: 1 } });
      for (const beforeId of [undefined, idOf(BOOKINGS / 5)]) {
        await bookings().ofCustomer(idOf(3), { beforeId, limit: LIMIT });
        expect(await bookings().ofEvent(idOf(1), { beforeId, limit: LIMIT })).toHaveLength(LIMIT);
      }
    }, 1_000));
}
