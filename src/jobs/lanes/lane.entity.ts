import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A strict queue: its counter gives positions without gaps, its lease says which worker may take from it. */
@Entity('lanes')
@Check('lanes_pending_check', 'pending >= 0')
@Index('lanes_by_account', { synchronize: false })
@Index('lanes_waiting', { synchronize: false })
export class Lane {
  @PrimaryColumn('text')
  name!: string;

  @Column('bigint', { name: 'next_position', default: 1 })
  nextPosition!: number;

  /** Unfinished requests. */
  @Column('integer', { default: 0 })
  pending!: number;

  /** How many of the last batch fitted under the limit; read back by the statement that wrote it. */
  @Column('integer', { name: 'last_admitted', default: 0 })
  lastAdmitted!: number;

  /** Requests finished a second, smoothed over about half a minute of work. */
  @Column('real', { name: 'throughput_per_s', default: 0 })
  throughputPerS!: number;

  @Column('text', { name: 'leased_by', nullable: true })
  leasedBy!: string | null;

  @Column('timestamp with time zone', { name: 'lease_until', nullable: true })
  leaseUntil!: Date | null;

  /** The fencing token: it grows with every lease, and only its newest bearer may write. */
  @Column('bigint', { name: 'lease_epoch', default: 0 })
  leaseEpoch!: number;

  /** When a worker last took this lane; the one that waited longest is next. */
  @Column('timestamp with time zone', { name: 'served_at', default: () => 'now()' })
  servedAt!: Date;

  @Column('timestamp with time zone', { name: 'last_completed_at', precision: 3, nullable: true })
  lastCompletedAt!: Date | null;

  /** A paused lane takes requests and makes none. */
  @Column('boolean', { default: false })
  paused!: boolean;

  /** Seconds of waiting that the lane has ahead of others. It orders lanes, never the requests of one. */
  @Column('integer', { default: 0 })
  priority!: number;

  /** Up to this position requests are made one by one, because a holder fell silent somewhere before it. */
  @Column('bigint', { name: 'isolate_until', default: 0 })
  isolateUntil!: number;
}
