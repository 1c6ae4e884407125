import { Check, Column, Entity, Index, JoinColumn, OneToOne, PrimaryColumn, type Relation, Unique } from 'typeorm';
import { RequestRecord } from '../../requests/request.entity.js';

/** PENDING until a receiver took it (SUCCESS) or the schedule ended (FAILED). */
export type DeliveryStatus = 'PENDING' | 'SUCCESS' | 'FAILED';

/** The one callback that a finished request owes; its id is the `webhook-id` of every attempt. */
@Entity('callback_deliveries')
@Check('callback_deliveries_status_check', `status IN ('PENDING', 'SUCCESS', 'FAILED')`)
@Unique('callback_deliveries_request_id_key', ['requestId'])
@Index('callback_deliveries_first', ['destination', 'lane', 'queuePosition'], {
  where: `status = 'PENDING' AND attempts = 0`,
})
@Index('callback_deliveries_retry', ['destination', 'nextAttemptAt'], { where: `status = 'PENDING' AND attempts > 0` })
@Index('callback_deliveries_strict', ['destination', 'lane', 'queuePosition'], {
  where: `status = 'PENDING' AND attempts > 0`,
})
@Index('callback_deliveries_by_status', ['status', 'id'], { where: `status <> 'SUCCESS'` })
@Index('callback_deliveries_by_account', { synchronize: false })
@Index('callback_deliveries_by_destination', ['destination', 'id'])
@Index('callback_deliveries_failed', ['destination', 'id'], { where: `status = 'FAILED'` })
@Index('callback_deliveries_replayed', ['redeliveryId'], {
  where: `status = 'PENDING' AND redelivery_id IS NOT NULL`,
})
@Index('callback_deliveries_leases', ['leasedBy'], { where: 'leased_by IS NOT NULL' })
export class CallbackDelivery {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'request_id' })
  requestId!: string;

  @OneToOne(() => RequestRecord, { createForeignKeyConstraints: false })
  @JoinColumn({ name: 'request_id' })
  request?: Relation<RequestRecord>;

  @Column('text')
  url!: string;

  /** scheme://host:port. Together with the lane it names the stream whose order is kept. */
  @Column('text')
  destination!: string;

  /** The request's lane; a sync request has none and is a stream of its own, named by its id. */
  @Column('text')
  lane!: string;

  @Column('bigint', { name: 'queue_position' })
  queuePosition!: number;

  @Column('text', { default: 'PENDING' })
  status!: DeliveryStatus;

  /** Attempts whose end is on record. */
  @Column('integer', { default: 0 })
  attempts!: number;

  /** Attempts that were begun and whose process died. They have a number, and take nothing from the schedule. */
  @Column('integer', { default: 0 })
  unknown!: number;

  /** Why it is FAILED, if no attempt says so. */
  @Column('text', { nullable: true })
  error!: string | null;

  /** Attempts made before the schedule began that is running now: it begins anew when a delivery is sent again by hand. */
  @Column('integer', { name: 'schedule_start', default: 0 })
  scheduleStart!: number;

  /** The job that wanted it sent again, if one did last. */
  @Column('uuid', { name: 'redelivery_id', nullable: true })
  redeliveryId!: string | null;

  @Column('timestamp with time zone', { name: 'next_attempt_at', precision: 3, default: () => 'now()' })
  nextAttemptAt!: Date;

  /** Who sends it, if it is sent by itself; what stands in a line is sent by who holds the stream. */
  @Column('text', { name: 'leased_by', nullable: true })
  leasedBy!: string | null;

  @Column('timestamp with time zone', { name: 'lease_until', nullable: true })
  leaseUntil!: Date | null;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamp with time zone', { name: 'finished_at', precision: 3, nullable: true })
  finishedAt!: Date | null;
}
