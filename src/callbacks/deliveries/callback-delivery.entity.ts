import { Check, Column, Entity, Index, JoinColumn, OneToOne, PrimaryColumn, type Relation, Unique } from 'typeorm';
import { RequestRecord } from '../../requests/request.entity.js';
import { OPEN_INSTALLATION } from '../../platform/tenant.js';

/** PENDING until a receiver accepts it (SUCCESS) or the retry schedule ends (FAILED). See docs/state-machines.md. */
export type DeliveryStatus = 'PENDING' | 'SUCCESS' | 'FAILED';

/** The callback of a finished request. Its id is in the `webhook-id` of every attempt. */
@Entity('callback_deliveries')
@Check('callback_deliveries_status_check', `status IN ('PENDING', 'SUCCESS', 'FAILED')`)
@Unique('callback_deliveries_request_id_key', ['requestId'])
@Index('callback_deliveries_first', ['accountId', 'destination', 'lane', 'queuePosition'], {
  where: `status = 'PENDING' AND attempts = 0`,
})
@Index('callback_deliveries_retry', ['accountId', 'destination', 'nextAttemptAt'], {
  where: `status = 'PENDING' AND attempts > 0`,
})
@Index('callback_deliveries_strict', ['accountId', 'destination', 'lane', 'queuePosition'], {
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

  /** The nil UUID for requests of an open installation. */
  @Column('uuid', { name: 'account_id', default: OPEN_INSTALLATION })
  accountId!: string;

  /** scheme://host:port. Destination and lane identify the delivery queue. */
  @Column('text')
  destination!: string;

  /** The request's lane. A sync request has none and forms a delivery queue of its own, named by its id. */
  @Column('text')
  lane!: string;

  @Column('bigint', { name: 'queue_position' })
  queuePosition!: number;

  @Column('text', { default: 'PENDING' })
  status!: DeliveryStatus;

  /** Attempts whose outcome is recorded. */
  @Column('integer', { default: 0 })
  attempts!: number;

  /** Attempts that were started by a worker that crashed. They have a number but do not use up the retry schedule. */
  @Column('integer', { default: 0 })
  unknown!: number;

  /** Why it is not delivered yet, or has failed; null when it is delivered, or was not tried. */
  @Column('text', { nullable: true })
  error!: string | null;

  /** Recorded attempts before the current run of the retry schedule; a redelivery starts the schedule again. */
  @Column('integer', { name: 'schedule_start', default: 0 })
  scheduleStart!: number;

  /** The redelivery that scheduled it again; null if the last redelivery was a single one. */
  @Column('uuid', { name: 'redelivery_id', nullable: true })
  redeliveryId!: string | null;

  /** Time of the first of the tries in a row that sent nothing; null if there was none, or after an attempt. */
  @Column('timestamp with time zone', { name: 'waiting_since', precision: 3, nullable: true })
  waitingSince!: Date | null;

  @Column('timestamp with time zone', { name: 'next_attempt_at', precision: 3, default: () => 'now()' })
  nextAttemptAt!: Date;

  /** The worker that leased it as a retry. First attempts are leased with their delivery queue. */
  @Column('text', { name: 'leased_by', nullable: true })
  leasedBy!: string | null;

  @Column('timestamp with time zone', { name: 'lease_until', nullable: true })
  leaseUntil!: Date | null;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamp with time zone', { name: 'finished_at', precision: 3, nullable: true })
  finishedAt!: Date | null;
}
