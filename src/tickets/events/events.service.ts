import { HttpStatus, Inject, Injectable } from '@nestjs/common';
import { NIL, validate as isUuid } from 'uuid';
import { PostingService } from '../../books/journal/posting.service.js';
import type { SignedInUser } from '../../http/caller.js';
import type { IdempotencyKey } from '../../http/idempotency-key.js';
import { Outbox } from '../../mail/outbox.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Database, type Query } from '../../platform/database/database.js';
import { pageOf } from '../../platform/database/page.js';
import { newId } from '../../platform/ids.js';
import { type AccountId, storedAccount } from '../../platform/tenant.js';
import { IdempotencyService } from '../../requests/idempotency/idempotency.service.js';
import { CANCELLED, SOLD } from '../bookings/booking-entries.js';
import { BookingStore } from '../bookings/booking.store.js';
import { cancelledEventMail, changedEventMail } from '../bookings/ticket-mails.js';
import { type EventRow, eventView } from './event-row.js';
import { changed, changesOf, checkChange, checkDate, checkOpen, isPast } from './event-rules.js';
import { EventRepository } from './event.repository.js';
import type { ChangeEventBody, CreateEventBody, EventView, EventsQuery } from './event.schema.js';
import { type CancelledEvent, EventStore, type LockedEvent } from './event.store.js';
import { EventNotFound, EventNotOwn } from './events.errors.js';

/** Bookings that one statement cancels or refunds. Bounds the memory that deleting an event takes. */
const BATCH = 10_000;

/** Events. Every caller may read them; organizers publish and change their own. */
@Injectable()
export class EventsService {
  constructor(
    private readonly database: Database,
    private readonly events: EventRepository,
    private readonly store: EventStore,
    private readonly bookings: BookingStore,
    private readonly posting: PostingService,
    private readonly outbox: Outbox,
    private readonly idempotency: IdempotencyService,
    @Inject(CONFIG) private readonly config: Pick<Config, 'BASE_CURRENCY'>,
  ) {}

  /** @returns One page, the soonest event first, and the cursor of the next (null on the last). */
  async list({ cursor, limit, organizer_id: organizerId, ...filter }: EventsQuery): Promise<object> {
    const from = filter.from ?? (filter.to ? undefined : new Date());
    const after = cursor === undefined ? undefined : placeOf(cursor);
    const read = (count: number) => this.events.list({ ...filter, organizerId, from, after, limit: count });
    const { page, next_cursor } = await pageOf(limit, read, ({ date, id }) => `${new Date(date).getTime()}@${id}`);
    return { events: page.map(eventView), next_cursor };
  }

  /** @throws EventNotFound */
  async view(id: string): Promise<EventView> {
    return eventView(await this.find(id));
  }

  /** Checks that an event is the organizer's own. @throws EventNotFound, EventNotOwn */
  async checkOwn(organizer: SignedInUser, id: string): Promise<void> {
    await this.findOwn(organizer, id);
  }

  /** Publishes an event. @throws InvalidInput for a date in the past, KeyAlreadyUsed */
  async create(
    organizer: SignedInUser,
    account: AccountId,
    body: CreateEventBody,
    key: IdempotencyKey | null,
  ): Promise<EventView> {
    checkDate(body.date, new Date());
    const { total_tickets: totalTickets, price_cents: priceCents, ...given } = body;
    const event = {
      ...given,
      totalTickets,
      priceCents,
      id: newId(),
      account: storedAccount(account),
      organizerId: organizer.id,
      organizerName: organizer.name,
      currency: body.currency ?? this.config.BASE_CURRENCY,
    };
    return this.database.inTransactionOf(event.account, (query) =>
      this.idempotency.once(query, key, HttpStatus.CREATED, async () =>
        eventView(await this.store.create(query, event)),
      ),
    );
  }

  /**
   * Changes the given fields of an event. Its attendees get mail, unless nothing differs or the event has begun. The work does
   * not grow with the number of attendees.
   * @throws EventNotFound, EventNotOwn, EventCancelled, TicketsAlreadySold, CurrencyFixed, InvalidInput for a date in the past
   */
  async change(organizer: SignedInUser, id: string, body: ChangeEventBody): Promise<EventView> {
    const own = await this.findOwn(organizer, id);
    const { event, isMailed } = await this.database.inTransactionOf(own.account_id, async (query) => {
      const before = await this.lock(query, own.id);
      checkChange(before, body, before.now);
      const changes = changesOf(before, changed(before, body));
      if (changes.length === 0) return { event: before, isMailed: false };
      const { total_tickets: totalTickets, price_cents: priceCents, ...given } = body;
      const after = await this.store.change(query, before.id, { ...given, totalTickets, priceCents });
      const hasAttendees = after.tickets_sold > 0 && !isPast(after, before.now);
      if (hasAttendees) await this.outbox.addFanOut(query, changedEventMail(after, changes));
      return { event: after, isMailed: hasAttendees };
    });
    if (isMailed) this.outbox.wake();
    return eventView(event);
  }

  /**
   * Deletes an event. One that has ever been booked is cancelled instead: its bookings are cancelled and refunded, and its
   * attendees get mail.
   * @returns The number of bookings that were cancelled.
   * @throws EventNotFound, EventNotOwn, EventCancelled, EventPast, PeriodClosed
   */
  async remove(organizer: SignedInUser, id: string): Promise<number> {
    const own = await this.findOwn(organizer, id);
    const cancelled = await this.database.inTransactionOf(own.account_id, async (query) => {
      const event = await this.lock(query, own.id);
      if (await this.store.removeUnbooked(query, event.id)) return 0;
      checkOpen(event, event.now);
      const ended = await this.store.cancel(query, event.id);
      // Before the refunds: they lock the counter of the journal, which is the last lock.
      if (event.tickets_sold > 0) await this.outbox.addFanOut(query, cancelledEventMail(ended));
      return this.refundAll(query, ended);
    });
    if (cancelled > 0) this.outbox.wake();
    return cancelled;
  }

  private async refundAll(query: Query, event: CancelledEvent): Promise<number> {
    const { id, account_id: account, cancelled_at: effectiveAt } = event;
    let count = 0;
    let after: string = NIL;
    for (;;) {
      const sourceIds = await this.bookings.cancelNext(query, id, effectiveAt, after, BATCH);
      if (sourceIds.length === 0) return count;
      await this.posting.reverseAll(query, account, { kind: SOLD, reversalKind: CANCELLED, sourceIds, effectiveAt });
      count += sourceIds.length;
      after = sourceIds.at(-1)!;
    }
  }

  private async find(id: string): Promise<EventRow> {
    const event = isUuid(id) ? await this.events.find(id) : null;
    if (!event) throw new EventNotFound();
    return event;
  }

  /** Does not wait for the lock of the event, so that a refusal does not either. Its owner never changes. */
  private async findOwn(organizer: SignedInUser, id: string): Promise<EventRow> {
    const event = await this.find(id);
    if (event.organizer_id !== organizer.id) throw new EventNotOwn();
    return event;
  }

  private async lock(query: Query, id: string): Promise<LockedEvent> {
    const event = await this.store.lock(query, id);
    if (!event) throw new EventNotFound();
    return event;
  }
}

/** @param cursor `milliseconds@id`. */
function placeOf(cursor: string): { date: Date; id: string } {
  const [ms, id] = cursor.split('@') as [string, string];
  return { date: new Date(Number(ms)), id };
}
