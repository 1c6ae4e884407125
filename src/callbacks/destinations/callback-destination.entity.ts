import { Check, Column, Entity, Exclusion, Index, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import type { BreakerName } from './breaker.js';

/** The circuit breaker of a destination that has failed. Rows are deleted after a day without events. */
@Entity('callback_destinations')
@Check('callback_destinations_state_check', `state IN ('closed', 'open', 'half_open')`)
export class CallbackDestination {
  /** scheme://host:port */
  @PrimaryColumn('text')
  destination!: string;

  @Column('text', { default: 'closed' })
  state!: BreakerName;

  /** Consecutive failures. */
  @Column('integer', { default: 0 })
  failures!: number;

  /** Number of openings since it was last closed. */
  @Column('integer', { default: 0 })
  openings!: number;

  /** Start of the time in which it has not been closed. */
  @Column('timestamp with time zone', { name: 'opened_at', precision: 3, nullable: true })
  openedAt!: Date | null;

  /** Open: time of the next probe. Half open: timeout of the probe. */
  @Column('timestamp with time zone', { name: 'open_until', precision: 3, nullable: true })
  openUntil!: Date | null;

  @Column('timestamp with time zone', { name: 'changed_at', precision: 3, default: () => 'clock_timestamp()' })
  changedAt!: Date;
}

/** A callback URL that answered 410 Gone. No callbacks are sent to it until an operator enables it. */
@Entity('callback_disabled_urls')
@Exclusion('callback_disabled_urls_one', 'USING hash (url WITH =)')
@Index('callback_disabled_urls_destination', ['destination', 'disabledAt'])
export class CallbackDisabledUrl {
  @PrimaryGeneratedColumn('uuid')
  id!: string;

  @Column('text')
  url!: string;

  @Column('text')
  destination!: string;

  /** The request whose callback got the answer. */
  @Column('uuid', { name: 'request_id' })
  requestId!: string;

  @Column('timestamp with time zone', { name: 'disabled_at', precision: 3, default: () => 'clock_timestamp()' })
  disabledAt!: Date;
}
