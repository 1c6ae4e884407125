import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A strict first-in-first-out queue. Its counter assigns positions without gaps; its lease names the worker that runs it. */
@Entity('lanes')
@Check('lanes_pending_check', 'pending >= 0')
@Index('lanes_by_account', { synchronize: false })
@Index('lanes_idle', { synchronize: false })
@Index('lanes_paused', { synchronize: false })
@Index('lanes_waiting', { synchronize: false })
export class Lane {
  @PrimaryColumn('text')
  name!: string;

  @Column('bigint', { name: 'next_position', default: 1 })
  nextPosition!: number;

  /** Unfinished requests. */
  @Column('integer', { default: 0 })
  pending!: number;

  /** Requests of the last batch that fit under the limit; read back by the statement that writes it. */
  @Column('integer', { name: 'last_admitted', default: 0 })
  lastAdmitted!: number;

  /** Estimated bytes of the files of unfinished requests. */
  @Column('bigint', { name: 'reserved_bytes', default: 0 })
  reservedBytes!: number;

  /** Requests finished per second, smoothed over about 30 seconds of work. */
  @Column('real', { name: 'throughput_per_s', default: 0 })
  throughputPerS!: number;

  @Column('text', { name: 'leased_by', nullable: true })
  leasedBy!: string | null;

  @Column('timestamp with time zone', { name: 'lease_until', nullable: true })
  leaseUntil!: Date | null;

  /** The fencing epoch: it grows with every lease, and only the worker with the newest one may write. */
  @Column('bigint', { name: 'lease_epoch', default: 0 })
  leaseEpoch!: number;

  /** When a worker last leased the lane; of an account's lanes the one that has waited longest is next. */
  @Column('timestamp with time zone', { name: 'served_at', default: () => 'now()' })
  servedAt!: Date;

  @Column('timestamp with time zone', { name: 'last_completed_at', precision: 3, nullable: true })
  lastCompletedAt!: Date | null;

  /** A paused lane accepts requests and does not run them. */
  @Column('boolean', { default: false })
  paused!: boolean;

  /** Seconds of waiting that the lane has ahead of its account's other lanes. It never reorders the requests of a lane. */
  @Column('integer', { default: 0 })
  priority!: number;

  /** Up to this position requests run in isolation, because a worker lost its lease before it. */
  @Column('bigint', { name: 'isolate_until', default: 0 })
  isolateUntil!: number;
}
