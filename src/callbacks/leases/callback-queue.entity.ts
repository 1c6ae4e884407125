import { Column, Entity, PrimaryGeneratedColumn, Unique } from 'typeorm';

/**
 * A leased delivery queue (one lane, one destination). It lists each attempt from before it is sent until it is recorded, so
 * that the attempts of a crashed worker are known to have started.
 */
@Entity('callback_queues')
@Unique('callback_queues_one', ['destination', 'lane'])
export class CallbackQueue {
  /** A new one for each lease: a worker that lost its lease finds no row. */
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

  /** The number of that attempt for each. A delivery with a higher attempt number was recorded. */
  @Column('integer', { name: 'started_numbers', array: true })
  startedNumbers!: number[];

  @Column('timestamp with time zone', { name: 'started_at', precision: 3, default: () => 'clock_timestamp()' })
  startedAt!: Date;
}
