import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { MailMessage } from './mail-message.entity.js';

export const MAIL_OUTCOMES = ['sent', 'retried', 'failed'] as const;
/** `retried`: the attempt failed, and another one follows. */
export type MailOutcome = (typeof MAIL_OUTCOMES)[number];

/** One attempt to send a message. */
@Entity('mail_attempts')
@Check('mail_attempts_outcome_check', `outcome IN ('sent', 'retried', 'failed')`)
@ForeignKey(() => MailMessage, ['messageId'], ['id'], { name: 'mail_attempts_message_fkey', onDelete: 'CASCADE' })
export class MailAttempt {
  @PrimaryColumn('uuid', { name: 'message_id' })
  messageId!: string;

  @PrimaryColumn('integer')
  number!: number;

  @Column('text')
  outcome!: MailOutcome;

  /** The reply code of the server; null if it sent none. */
  @Column('integer', { name: 'smtp_code', nullable: true })
  smtpCode!: number | null;

  /** The reply of the server, or the error. */
  @Column('text', { nullable: true })
  detail!: string | null;

  @Column('integer', { name: 'duration_ms' })
  durationMs!: number;

  @Column('timestamp with time zone', { name: 'attempted_at', precision: 3 })
  attemptedAt!: Date;
}
