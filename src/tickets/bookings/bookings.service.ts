import { HttpStatus, Injectable } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import { PostingService } from '../../books/journal/posting.service.js';
import type { SignedInUser } from '../../http/caller.js';
import type { IdempotencyKey } from '../../http/idempotency-key.js';
import { Outbox } from '../../mail/outbox.js';
import { Database, type Query } from '../../platform/database/database.js';
import { pageOf } from '../../platform/database/page.js';
import { newId } from '../../platform/ids.js';
import { IdempotencyService } from '../../requests/idempotency/idempotency.service.js';
import { checkOpen, isPast } from '../events/event-rules.js';
import { EventRepository } from '../events/event.repository.js';
import { EventNotFound, EventPast } from '../events/events.errors.js';
import { SOLD, cancellationEntry, saleEntry } from './booking-entries.js';
import { type BookingOfEvent, bookingView, soldBookingView } from './booking-row.js';
import { type BookingPage, BookingRepository } from './booking.repository.js';
import type { BookingView, CreateBookingBody } from './booking.schema.js';
import { BookingStore, type NewBooking } from './booking.store.js';
import { BookingCancelled, BookingNotFound, SoldOut } from './bookings.errors.js';
import { cancelledMail, confirmedMail } from './ticket-mails.js';

/** A booking is tried again when cancellations have given back enough tickets since it was refused. */
const MAX_TRIES = 3;

/** The bookings of customers. Every method throws BookingNotFound for the booking of another user. */
@Injectable()
export class BookingsService {
  constructor(
    private readonly database: Database,
    private readonly bookings: BookingRepository,
    private readonly store: BookingStore,
    private readonly events: EventRepository,
    private readonly posting: PostingService,
    private readonly outbox: Outbox,
    private readonly idempotency: IdempotencyService,
  ) {}

  /**
   * Books tickets: the tickets, the booking, the sale in the journal and the mail are one transaction.
   * @throws EventNotFound, EventCancelled, EventPast, SoldOut, PeriodClosed, KeyAlreadyUsed
   */
  async book(customer: SignedInUser, body: CreateBookingBody, key: IdempotencyKey | null): Promise<BookingView> {
    const wanted = {
      id: newId(),
      eventId: body.event_id,
      customerId: customer.id,
      customerName: customer.name,
      customerEmail: customer.email,
      numTickets: body.num_tickets,
    };
    // An unknown event has no account, and is refused below: a repeat of an idempotency key comes first.
    const account = (await this.events.find(wanted.eventId))?.account_id ?? wanted.eventId;
    const view = await this.database.inTransactionOf(account, (query) =>
      this.idempotency.once(query, key, HttpStatus.CREATED, async () => {
        const booked = await this.sell(query, wanted);
        await this.outbox.add(query, [confirmedMail(booked)]);
        await this.posting.post(query, booked.booking.account_id, [saleEntry(booked.booking)]);
        return bookingView(booked);
      }),
    );
    this.outbox.wake();
    return view;
  }

  /**
   * Cancels a booking, once: gives its tickets back, and posts the reversal of the sale.
   * @throws BookingCancelled, EventPast, PeriodClosed, KeyAlreadyUsed
   */
  async cancel(customer: SignedInUser, id: string, key: IdempotencyKey | null): Promise<BookingView> {
    const found = isUuid(id) ? await this.bookings.find(customer.id, id) : null;
    if (!found) throw new BookingNotFound();
    const view = await this.database.inTransactionOf(found.booking.account_id, (query) =>
      this.idempotency.once(query, key, HttpStatus.OK, async () => {
        const event = await this.store.lockEvent(query, customer.id, id);
        if (!event) throw new BookingNotFound();
        const done = await this.store.cancel(query, id);
        if (!done) throw new BookingCancelled();
        if (isPast(event, event.now)) throw new EventPast();
        await this.outbox.add(query, [cancelledMail(done)]);
        await this.refund(query, done.booking);
        return bookingView(done);
      }),
    );
    this.outbox.wake();
    return view;
  }

  /** @returns A booking of the user, or one of an event that the user organizes. */
  async view(user: SignedInUser, id: string): Promise<BookingView> {
    const found = isUuid(id) ? await this.bookings.find(user.id, id) : null;
    if (!found) throw new BookingNotFound();
    return found.booking.customer_id === user.id ? bookingView(found) : soldBookingView(found);
  }

  /** @returns One page of the customer's bookings, newest first. */
  async listOwn({ id }: SignedInUser, { beforeId, limit }: BookingPage): Promise<object> {
    const read = (count: number) => this.bookings.ofCustomer(id, { beforeId, limit: count });
    const { page, next_cursor } = await pageOf(limit, read, ({ booking }) => booking.id);
    return { bookings: page.map(bookingView), next_cursor };
  }

  /** @returns One page of the bookings of an event, newest first, for its organizer. */
  async listOfEvent(eventId: string, { beforeId, limit }: BookingPage): Promise<object> {
    const read = (count: number) => this.bookings.ofEvent(eventId, { beforeId, limit: count });
    const { page, next_cursor } = await pageOf(limit, read, ({ booking }) => booking.id);
    return { bookings: page.map(soldBookingView), next_cursor };
  }

  private async sell(query: Query, wanted: NewBooking): Promise<BookingOfEvent> {
    for (let tries = 1; ; tries++) {
      const booked = await this.store.book(query, wanted);
      if (booked) return booked;
      const event = await this.store.availability(query, wanted.eventId);
      if (!event) throw new EventNotFound('event_id');
      checkOpen(event, event.now);
      if (event.left < wanted.numTickets || tries === MAX_TRIES) throw new SoldOut(event.left);
    }
  }

  private async refund(query: Query, booking: BookingOfEvent['booking']): Promise<void> {
    const account = booking.account_id;
    // A free booking has posted nothing.
    const sale = await this.posting.findNumber(query, account, booking.id, SOLD);
    if (sale === null) return;
    await this.posting.post(query, account, [cancellationEntry(booking, new Date(booking.cancelled_at!), sale)]);
  }
}
