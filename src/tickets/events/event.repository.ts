import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { containing } from '../../platform/database/like-pattern.js';
import type { EventRow } from './event-row.js';
import { Event } from './event.entity.js';

export interface EventFilter {
  /** Events that begin at this time or later. */
  from?: Date;
  /** Events that begin before this time. */
  to?: Date;
  /** Part of the title or the description, in any case. */
  q?: string;
  /** Part of the location, in any case. */
  location?: string;
  organizerId?: string;
  /** Only events after this one, in the order of the list. */
  after?: { date: Date; id: string };
  limit: number;
}

/** Reads events. Every caller may see them. */
@Injectable()
export class EventRepository {
  constructor(@InjectRepository(Event) private readonly events: Repository<Event>) {}

  async find(id: string): Promise<EventRow | null> {
    return (await this.rows().where('e.id = :id', { id }).getRawOne<EventRow>()) ?? null;
  }

  /** @returns Active events, the soonest first. */
  list({ from, to, q, location, organizerId, after, limit }: EventFilter): Promise<EventRow[]> {
    const query = this.rows().where(`e.status = 'active'`);
    if (from) query.andWhere('e.date >= :from', { from });
    if (to) query.andWhere('e.date < :to', { to });
    if (after) query.andWhere('(e.date, e.id) > (:afterDate, :afterId)', { afterDate: after.date, afterId: after.id });
    if (q !== undefined) query.andWhere(`lower(e.title || ' ' || e.description) LIKE :q`, { q: containing(q) });
    if (location !== undefined) query.andWhere('lower(e.location) LIKE :location', { location: containing(location) });
    if (organizerId !== undefined) query.andWhere('e.organizer_id = :organizerId', { organizerId });
    return query.orderBy('e.date', 'ASC').addOrderBy('e.id', 'ASC').limit(limit).getRawMany<EventRow>();
  }

  private rows() {
    return this.events.createQueryBuilder('e').select('e.*');
  }
}
