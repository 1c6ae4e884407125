import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { v5 as hashedUuid } from 'uuid';
import type { BreakerName } from './breaker.js';
import { OPEN_INSTALLATION } from '../../platform/tenant.js';

/** The circuit breaker of a destination that has failed callbacks of an account. Rows are deleted after a day without events. */
@Entity('callback_destinations')
@Check('callback_destinations_state_check', `state IN ('closed', 'open', 'half_open')`)
export class CallbackDestination {
  /** The nil UUID for requests of an open installation. */
  @PrimaryColumn('uuid', { name: 'account_id', default: OPEN_INSTALLATION })
  accountId!: string;

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

/**
 * A URL that answered 410 Gone to a callback of an account. No callbacks of that account are sent to it until it is enabled, or
 * the row is deleted by age.
 */
@Entity('callback_disabled_urls')
@Index('callback_disabled_urls_url', { synchronize: false })
@Index('callback_disabled_urls_destination', ['accountId', 'destination', 'disabledAt'])
@Index('callback_disabled_urls_age', ['disabledAt'])
export class CallbackDisabledUrl {
  /** Derived from account and URL, of which there is one row; see {@link disabledUrlId}. */
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'account_id', default: OPEN_INSTALLATION })
  accountId!: string;

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

/** A URL may be longer than an entry of a unique index, so the id makes it unique within its account. */
export function disabledUrlId(accountId: string, url: string): string {
  return hashedUuid(url, accountId);
}
