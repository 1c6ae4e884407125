import { JournalStore } from '../../src/books/journal/journal.store.js';
import { PostingService } from '../../src/books/journal/posting.service.js';
import type { SignedInUser, UserRole } from '../../src/http/caller.js';
import { Outbox } from '../../src/mail/outbox.js';
import { OutboxStore } from '../../src/mail/outbox.store.js';
import { newId } from '../../src/platform/ids.js';
import { InProcessQueue } from '../../src/queue/in-process-queue.js';
import { IdempotencyRecord } from '../../src/requests/idempotency/idempotency-key.entity.js';
import { IdempotencyRepository } from '../../src/requests/idempotency/idempotency.repository.js';
import { IdempotencyService } from '../../src/requests/idempotency/idempotency.service.js';
import { Booking } from '../../src/tickets/bookings/booking.entity.js';
import { BookingRepository } from '../../src/tickets/bookings/booking.repository.js';
import { BookingStore } from '../../src/tickets/bookings/booking.store.js';
import { BookingsService } from '../../src/tickets/bookings/bookings.service.js';
import { Event } from '../../src/tickets/events/event.entity.js';
import { EventRepository } from '../../src/tickets/events/event.repository.js';
import { EventStore } from '../../src/tickets/events/event.store.js';
import { EventsService } from '../../src/tickets/events/events.service.js';
import type { Stores } from '../support/stores.js';

/** The services of events and bookings, on the real SQL. */
export function ticketServices({ dataSource, database, requests }: Stores) {
  const posting = new PostingService(new JournalStore());
  const outbox = new Outbox(new OutboxStore({ MAIL_CHANGE_DELAY: 0 }), new InProcessQueue());
  const keys = new IdempotencyRepository(dataSource.getRepository(IdempotencyRecord));
  const idempotency = new IdempotencyService(keys, requests);
  const store = new BookingStore();
  const eventRepository = new EventRepository(dataSource.getRepository(Event));
  const events = new EventsService(database, eventRepository, new EventStore(), store, posting, outbox, idempotency, {
    BASE_CURRENCY: 'USD',
  });
  const repository = new BookingRepository(dataSource.getRepository(Booking));
  const bookings = new BookingsService(database, repository, store, eventRepository, posting, outbox, idempotency);
  return { events, bookings };
}

/** A user without a session. */
export function newUser(role: UserRole): SignedInUser {
  const id = newId();
  return { id, role, name: role, email: `${id}@${role}.example` };
}
