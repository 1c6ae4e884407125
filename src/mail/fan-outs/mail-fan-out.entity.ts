import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A message to all attendees of an event, which a worker expands to one message for each address. */
@Entity('mail_fan_outs')
@Check('mail_fan_outs_expanded_check', 'expanded_at IS NULL OR started_at IS NOT NULL')
@Index('mail_fan_outs_due', { synchronize: false })
@Index('mail_fan_outs_expanded', { synchronize: false })
@Index('mail_fan_outs_by_event', ['eventId', 'template'])
@Index('mail_fan_outs_change', { synchronize: false })
export class MailFanOut {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'account_id' })
  accountId!: string;

  @Column('uuid', { name: 'event_id' })
  eventId!: string;

  @Column('text')
  template!: string;

  @Column('jsonb')
  data!: object;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'clock_timestamp()' })
  createdAt!: Date;

  /** Changes wait a moment for further ones. */
  @Column('timestamp with time zone', { name: 'due_at', precision: 3 })
  dueAt!: Date;

  /** Null until a worker begins to expand it. From then on it does not change. */
  @Column('timestamp with time zone', { name: 'started_at', precision: 3, nullable: true })
  startedAt!: Date | null;

  /** The last address that has its message, in the order of bytes. */
  @Column('text', { name: 'last_address', nullable: true })
  lastAddress!: string | null;

  @Column('timestamp with time zone', { name: 'expanded_at', precision: 3, nullable: true })
  expandedAt!: Date | null;
}
