import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import type { BookingOfEvent } from './booking-row.js';
import { Booking } from './booking.entity.js';

export interface BookingFilter {
  /** Only bookings of this user. */
  customerId?: string;
  /** Only bookings of this event. */
  eventId?: string;
  /** Only bookings that are older than this one. */
  beforeId?: string;
  limit: number;
}

/** Reads of bookings, each with its event in one query. */
@Injectable()
export class BookingRepository {
  constructor(@InjectRepository(Booking) private readonly bookings: Repository<Booking>) {}

  /** @param userId Of the customer, or the organizer of its event. @returns Null for a booking of others. */
  async find(userId: string, id: string): Promise<BookingOfEvent | null> {
    const query = this.rows().where('b.id = :id AND :userId IN (b.customer_id, e.organizer_id)', { id, userId });
    return (await query.getRawOne<BookingOfEvent>()) ?? null;
  }

  /** @returns Bookings, newest first. */
  list({ customerId, eventId, beforeId, limit }: BookingFilter): Promise<BookingOfEvent[]> {
    const query = this.rows().where('true');
    if (customerId) query.andWhere('b.customer_id = :customerId', { customerId });
    if (eventId) query.andWhere('b.event_id = :eventId', { eventId });
    if (beforeId) query.andWhere('b.id < :beforeId', { beforeId });
    return query.orderBy('b.id', 'DESC').limit(limit).getRawMany<BookingOfEvent>();
  }

  private rows() {
    return this.bookings
      .createQueryBuilder('b')
      .innerJoin('b.event', 'e')
      .select('to_jsonb(b)', 'booking')
      .addSelect('to_jsonb(e)', 'event');
  }
}
