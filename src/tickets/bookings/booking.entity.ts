import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { Event } from '../events/event.entity.js';

export const BOOKING_STATUSES = ['confirmed', 'cancelled'] as const;
export type BookingStatus = (typeof BOOKING_STATUSES)[number];

/** Tickets of an event that a customer has booked. A later change of the event's price does not change the booking's. */
@Entity('bookings')
@Check('bookings_tickets_check', 'num_tickets > 0')
@Check('bookings_price_check', 'price_cents >= 0')
@Check('bookings_total_check', 'total_cents = num_tickets * price_cents')
@Check('bookings_currency_check', `currency ~ '^[A-Z]{3}$'`)
@Check('bookings_status_check', `status IN ('confirmed', 'cancelled')`)
@Check('bookings_cancelled_check', `(status = 'cancelled') = (cancelled_at IS NOT NULL)`)
@Index('bookings_by_event', ['eventId', 'id'])
@Index('bookings_by_customer', ['customerId', 'id'])
export class Booking {
  /** UUIDv7: a newer booking has a greater id. */
  @PrimaryColumn('uuid')
  id!: string;

  /** The account of the event. */
  @Column('uuid', { name: 'account_id' })
  accountId!: string;

  @Column('uuid', { name: 'event_id' })
  eventId!: string;

  @ManyToOne(() => Event)
  @JoinColumn({ name: 'event_id', foreignKeyConstraintName: 'bookings_event_fkey' })
  event?: Relation<Event>;

  /** The title of the event when it was booked. */
  @Column('text', { name: 'event_title' })
  eventTitle!: string;

  /** The user that has booked. */
  @Column('uuid', { name: 'customer_id' })
  customerId!: string;

  @Column('text', { name: 'customer_name' })
  customerName!: string;

  /** The recipient of its mail. */
  @Column('text', { name: 'customer_email' })
  customerEmail!: string;

  @Column('integer', { name: 'num_tickets' })
  numTickets!: number;

  /** Of one ticket when it was booked, in minor units. */
  @Column('bigint', { name: 'price_cents' })
  priceCents!: number;

  @Column('text')
  currency!: string;

  @Column('bigint', { name: 'total_cents' })
  totalCents!: number;

  @Column('text', { default: 'confirmed' })
  status!: BookingStatus;

  /** Also the time at which the sale counts in the journal. */
  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;

  /** Also the time at which the reversal counts in the journal. */
  @Column('timestamp with time zone', { name: 'cancelled_at', precision: 3, nullable: true })
  cancelledAt!: Date | null;
}
