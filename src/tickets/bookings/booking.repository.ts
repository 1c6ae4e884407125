import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import type { BookingOfEvent } from './booking-row.js';
import { Booking } from './booking.entity.js';

export interface BookingPage {
  /** Only bookings that are older than this one. */
  beforeId?: string;
  limit: number;
}

/** The column that selects the bookings of a list. */
type Owner = 'customer_id' | 'event_id';

/**
 * `unnest` hides the owner from the planner, which for an owner with many bookings would scan those of all owners by id.
 */
const listOf = (
  owner: Owner,
  beforeId: string | undefined,
): string => `SELECT to_jsonb(b) AS booking, to_jsonb(e) AS event
  FROM unnest($1::uuid[]) AS owner (id) CROSS JOIN LATERAL (
    SELECT * FROM bookings WHERE ${owner} = owner.id ${beforeId ? 'AND id < $3' : ''} ORDER BY id DESC LIMIT $2
  ) b JOIN events e ON e.id = b.event_id ORDER BY b.id DESC`;

/** Reads of bookings, each with its event in one query. */
@Injectable()
export class BookingRepository {
  constructor(@InjectRepository(Booking) private readonly bookings: Repository<Booking>) {}

  /** @param userId The customer, or the organizer of the event. @returns Null for the booking of another user. */
  async find(userId: string, id: string): Promise<BookingOfEvent | null> {
    const query = this.bookings
      .createQueryBuilder('b')
      .innerJoin('b.event', 'e')
      .select('to_jsonb(b)', 'booking')
      .addSelect('to_jsonb(e)', 'event')
      .where('b.id = :id AND :userId IN (b.customer_id, e.organizer_id)', { id, userId });
    return (await query.getRawOne<BookingOfEvent>()) ?? null;
  }

  /** @returns Bookings of a customer, newest first. */
  ofCustomer(customerId: string, page: BookingPage): Promise<BookingOfEvent[]> {
    return this.list('customer_id', customerId, page);
  }

  /** @returns Bookings of an event, newest first. */
  ofEvent(eventId: string, page: BookingPage): Promise<BookingOfEvent[]> {
    return this.list('event_id', eventId, page);
  }

  private list(owner: Owner, id: string, { beforeId, limit }: BookingPage): Promise<BookingOfEvent[]> {
    const values = [[id], limit, ...(beforeId ? [beforeId] : [])];
    return this.bookings.query<BookingOfEvent[]>(listOf(owner, beforeId), values);
  }
}
