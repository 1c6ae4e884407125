import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';
import { Schedule } from './schedule.entity.js';

/** `refused`: the schedule is not valid any more. `skipped`: this due time and older ones, after a long outage. */
export type RunOutcome = 'accepted' | 'refused' | 'skipped';

/** One settled due time of a schedule, or a run that a caller asked for. */
@Entity('schedule_runs')
@Unique('schedule_runs_due', ['scheduleId', 'dueAt'])
@Check('schedule_runs_outcome_check', `outcome IN ('accepted', 'refused', 'skipped')`)
@Check('schedule_runs_request_check', `(outcome = 'accepted') = (request_id IS NOT NULL)`)
@ForeignKey(() => Schedule, ['scheduleId'], ['id'], { name: 'schedule_runs_schedule_fkey', onDelete: 'CASCADE' })
@Index('schedule_runs_age', ['createdAt'])
export class ScheduleRun {
  @PrimaryColumn('uuid', { name: 'schedule_id' })
  scheduleId!: string;

  /** 1 for the first run of its schedule. */
  @PrimaryColumn('bigint')
  number!: number;

  @Column('text')
  outcome!: RunOutcome;

  /** Null for a run that a caller asked for. */
  @Column('timestamp with time zone', { name: 'due_at', precision: 3, nullable: true })
  dueAt!: Date | null;

  @Column('uuid', { name: 'request_id', nullable: true })
  requestId!: string | null;

  @Column('text', { nullable: true })
  error!: string | null;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;
}
