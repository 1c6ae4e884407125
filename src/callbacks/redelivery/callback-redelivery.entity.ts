import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A job that sends the callbacks again that matched its filter when it was added. */
@Entity('callback_redeliveries')
@Check('callback_redeliveries_status_check', `status IN ('RUNNING', 'COMPLETED', 'CANCELLED')`)
@Index('callback_redeliveries_running', ['advancedAt'], { where: `status = 'RUNNING'` })
@Index('callback_redeliveries_age', ['finishedAt'], { where: `finished_at IS NOT NULL` })
export class CallbackRedelivery {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'account_id', nullable: true })
  accountId!: string | null;

  @Column('text', { default: 'RUNNING' })
  status!: 'RUNNING' | 'COMPLETED' | 'CANCELLED';

  /** Null for delivered and failed callbacks. */
  @Column('text', { name: 'callback_status', nullable: true })
  callbackStatus!: 'SUCCESS' | 'FAILED' | null;

  @Column('text', { nullable: true })
  destination!: string | null;

  /** The filter of its requests, as in the body of `POST /api/requests/bulk`; null for a job over callbacks. */
  @Column('json', { nullable: true })
  requests!: object | null;

  @Column('timestamp with time zone', { precision: 3, nullable: true })
  since!: Date | null;

  /** At most the time of the job: later callbacks do not match. */
  @Column('timestamp with time zone', { precision: 3 })
  until!: Date;

  @Column('integer')
  matched!: number;

  @Column('integer', { default: 0 })
  redelivered!: number;

  /** Last delivery, or with a filter of requests the last request, that was processed: in order of their ids, each once. */
  @Column('uuid', { name: 'last_id', default: '00000000-0000-0000-0000-000000000000' })
  lastId!: string;

  /** Of an account's running jobs, the one with the earliest time is advanced next. */
  @Column('timestamp with time zone', { name: 'advanced_at', default: () => 'now()' })
  advancedAt!: Date;

  /** It is not advanced before: the rate of a destination allows no more until then. */
  @Column('timestamp with time zone', { name: 'due_at', default: () => 'now()' })
  dueAt!: Date;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamp with time zone', { name: 'finished_at', precision: 3, nullable: true })
  finishedAt!: Date | null;
}
