import { Column, Entity, PrimaryGeneratedColumn, Unique } from 'typeorm';

/**
 * A stream (one lane, one destination) that is being sent right now. An attempt is listed here before it is sent and
 * until it is recorded, so one whose process died in between is known to have begun.
 */
@Entity('callback_queues')
@Unique('callback_queues_one', ['destination', 'lane'])
export class CallbackQueue {
  /** A new one each time that the stream is taken: who lost it finds no row any more. */
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id!: number;

  @Column('text')
  destination!: string;

  @Column('text')
  lane!: string;

  @Column('text', { name: 'leased_by' })
  leasedBy!: string;

  @Column('timestamp with time zone', { name: 'lease_until' })
  leaseUntil!: Date;

  /** Deliveries whose attempt may be on its way. */
  @Column('uuid', { array: true })
  started!: string[];

  /** The number of that attempt, each. A delivery that has come further was recorded. */
  @Column('integer', { name: 'started_numbers', array: true })
  startedNumbers!: number[];

  @Column('timestamp with time zone', { name: 'started_at', precision: 3, default: () => 'clock_timestamp()' })
  startedAt!: Date;
}
