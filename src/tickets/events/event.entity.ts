import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

export const EVENT_STATUSES = ['active', 'cancelled'] as const;
export type EventStatus = (typeof EVENT_STATUSES)[number];

/** An event that an organizer sells tickets for. */
@Entity('events')
@Check('events_tickets_check', 'tickets_sold BETWEEN 0 AND total_tickets')
@Check('events_price_check', 'price_cents >= 0')
@Check('events_currency_check', `currency ~ '^[A-Z]{3}$'`)
@Check('events_status_check', `status IN ('active', 'cancelled')`)
@Check('events_cancelled_check', `(status = 'cancelled') = (cancelled_at IS NOT NULL)`)
@Index('events_by_date', ['date', 'id'], { where: `status = 'active'` })
@Index('events_by_organizer', ['organizerId', 'date', 'id'], { where: `status = 'active'` })
@Index('events_search', { synchronize: false })
@Index('events_location', { synchronize: false })
export class Event {
  /** UUIDv7: a newer event has a greater id. */
  @PrimaryColumn('uuid')
  id!: string;

  /** Of the books that its sales are posted to, see `storedAccount`. */
  @Column('uuid', { name: 'account_id' })
  accountId!: string;

  /** The user that published it, and may change it. */
  @Column('uuid', { name: 'organizer_id' })
  organizerId!: string;

  /** The name of the organizer when the event was published. */
  @Column('text', { name: 'organizer_name' })
  organizerName!: string;

  @Column('text')
  title!: string;

  @Column('text')
  description!: string;

  /** The time at which it begins. Until then tickets can be booked and bookings cancelled. */
  @Column('timestamp with time zone', { precision: 3 })
  date!: Date;

  @Column('text')
  location!: string;

  @Column('integer', { name: 'total_tickets' })
  totalTickets!: number;

  /** The tickets of its confirmed bookings. Changes only in the transaction that books or cancels. */
  @Column('integer', { name: 'tickets_sold', default: 0 })
  ticketsSold!: number;

  /** Of one ticket, in minor units, for new bookings. */
  @Column('bigint', { name: 'price_cents' })
  priceCents!: number;

  @Column('text')
  currency!: string;

  @Column('text', { default: 'active' })
  status!: EventStatus;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamp with time zone', { name: 'updated_at', precision: 3, default: () => 'now()' })
  updatedAt!: Date;

  /** Also the `cancelled_at` of the bookings that were cancelled with the event. */
  @Column('timestamp with time zone', { name: 'cancelled_at', precision: 3, nullable: true })
  cancelledAt!: Date | null;
}
