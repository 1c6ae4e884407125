import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { Frequency } from './due-times.js';
import type { Period } from './period.js';

/** A report that recurs. */
@Entity('schedules')
@Check('schedules_every_check', `every IN ('day', 'week', 'month')`)
@Check('schedules_period_check', `period IN ('previous_day', 'previous_week', 'previous_month', 'month_to_date')`)
@Check('schedules_active_check', `is_active = (next_due_at IS NOT NULL) AND is_active = (attempt_at IS NOT NULL)`)
@Index('schedules_by_account', ['accountId', 'id'])
@Index('schedules_attempt', ['attemptAt'], { where: 'is_active' })
@Index('schedules_due', ['nextDueAt'], { where: 'is_active' })
export class Schedule {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'account_id' })
  accountId!: string;

  @Column('text')
  name!: string;

  @Column('text')
  report!: string;

  /** The parameters of the report, as the caller wrote them. */
  @Column('json')
  payload!: Record<string, unknown>;

  @Column('text', { nullable: true })
  period!: Period | null;

  @Column('text')
  every!: Frequency;

  /** A weekday, a number or `last`. */
  @Column('text', { name: 'on_day', nullable: true })
  onDay!: string | null;

  @Column('text', { name: 'at_time' })
  at!: string;

  @Column('text')
  timezone!: string;

  /** As its account knows it. */
  @Column('text')
  lane!: string;

  @Column('text', { name: 'callback_url', nullable: true })
  callbackUrl!: string | null;

  @Column('text', { nullable: true })
  format!: string | null;

  @Column('text', { nullable: true })
  compress!: 'gzip' | null;

  @Column('boolean', { name: 'is_active', default: true })
  isActive!: boolean;

  /** Grows with every change by a caller: a run of an older version is not accepted. */
  @Column('integer', { default: 1 })
  version!: number;

  /** The number of the newest run. */
  @Column('bigint', { name: 'run_count', default: 0 })
  runCount!: number;

  /** The newest due time that was accepted, refused or skipped. */
  @Column('timestamp with time zone', { name: 'last_due_at', precision: 3, nullable: true })
  lastDueAt!: Date | null;

  /** Null while it is not active. */
  @Column('timestamp with time zone', { name: 'next_due_at', precision: 3, nullable: true })
  nextDueAt!: Date | null;

  /** When a worker looks at it next. */
  @Column('timestamp with time zone', { name: 'attempt_at', precision: 3, nullable: true })
  attemptAt!: Date | null;

  /** Why its due time is not accepted yet. */
  @Column('text', { name: 'delay_error', nullable: true })
  delayError!: string | null;

  /** The newest due time that was skipped, because too many were missed. */
  @Column('timestamp with time zone', { name: 'skipped_until', precision: 3, nullable: true })
  skippedUntil!: Date | null;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamp with time zone', { name: 'updated_at', precision: 3, default: () => 'now()' })
  updatedAt!: Date;
}
