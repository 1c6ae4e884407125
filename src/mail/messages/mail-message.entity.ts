import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

export const MAIL_STATUSES = ['pending', 'sent', 'failed', 'kept'] as const;
/** `kept`: not sent, because `SMTP_URL` is not set. docs/state-machines.md shows the states. */
export type MailStatus = (typeof MAIL_STATUSES)[number];

/** A message to one address. */
@Entity('mail_messages')
@Check('mail_messages_status_check', `status IN ('pending', 'sent', 'failed', 'kept')`)
@Check(
  'mail_messages_pending_check',
  `(status = 'pending') = (next_attempt_at IS NOT NULL) AND (status = 'pending') = (finished_at IS NULL)
    AND (status = 'pending' OR leased_by IS NULL)`,
)
@Check('mail_messages_data_check', 'data IS NOT NULL OR fan_out_id IS NOT NULL')
@Index('mail_messages_due', { synchronize: false })
@Index('mail_messages_leased', { synchronize: false })
@Index('mail_messages_by_status', { synchronize: false })
@Index('mail_messages_retries', { synchronize: false })
@Index('mail_messages_by_recipient', { synchronize: false })
@Index('mail_messages_fan_out', { synchronize: false })
export class MailMessage {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'account_id' })
  accountId!: string;

  /** A fan-out, or the account of single messages. Workers take from all queues in turn. */
  @Column('uuid')
  queue!: string;

  @Column('uuid', { name: 'fan_out_id', nullable: true })
  fanOutId!: string | null;

  @Column('text')
  recipient!: string;

  @Column('text')
  template!: string;

  /** Null for a message of a fan-out, which has the data. */
  @Column('jsonb', { nullable: true })
  data!: object | null;

  @Column('text', { default: 'pending' })
  status!: MailStatus;

  /** Attempts that have ended. */
  @Column('integer', { default: 0 })
  attempts!: number;

  /** Attempts before an operator retried it. The schedule begins again there. */
  @Column('integer', { name: 'attempts_before_retry', default: 0 })
  attemptsBeforeRetry!: number;

  /** When it is due. While a worker has leased it, the end of the lease. */
  @Column('timestamp with time zone', {
    name: 'next_attempt_at',
    precision: 3,
    nullable: true,
    default: () => 'clock_timestamp()',
  })
  nextAttemptAt!: Date | null;

  @Column('text', { name: 'leased_by', nullable: true })
  leasedBy!: string | null;

  /** Of the last attempt that failed. */
  @Column('text', { nullable: true })
  error!: string | null;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'clock_timestamp()' })
  createdAt!: Date;

  @Column('timestamp with time zone', { name: 'finished_at', precision: 3, nullable: true })
  finishedAt!: Date | null;
}
