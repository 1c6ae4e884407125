import { Check, Column, Entity, Exclusion, Index, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import type { BreakerName } from './breaker.js';

/** A destination that has failed, and its circuit breaker. One without a row has not, or has been idle for a day since. */
@Entity('callback_destinations')
@Check('callback_destinations_state_check', `state IN ('closed', 'open', 'half_open')`)
export class CallbackDestination {
  /** scheme://host:port */
  @PrimaryColumn('text')
  destination!: string;

  @Column('text', { default: 'closed' })
  state!: BreakerName;

  /** In a row. */
  @Column('integer', { default: 0 })
  failures!: number;

  /** Times that it opened since it was last closed. */
  @Column('integer', { default: 0 })
  openings!: number;

  /** Since when it has not been closed. */
  @Column('timestamp with time zone', { name: 'opened_at', precision: 3, nullable: true })
  openedAt!: Date | null;

  /** Open: when it is probed. Half open: until when the probe has time. */
  @Column('timestamp with time zone', { name: 'open_until', precision: 3, nullable: true })
  openUntil!: Date | null;

  @Column('timestamp with time zone', { name: 'changed_at', precision: 3, default: () => 'clock_timestamp()' })
  changedAt!: Date;
}

/** A callback URL that answered 410 Gone. Nothing is sent there until somebody enables it again. */
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

  /** Whose callback was answered so. */
  @Column('uuid', { name: 'request_id' })
  requestId!: string;

  @Column('timestamp with time zone', { name: 'disabled_at', precision: 3, default: () => 'clock_timestamp()' })
  disabledAt!: Date;
}
