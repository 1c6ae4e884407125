import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

export const RUN_STATUSES = ['RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** A load test. Its token and its receiver are valid while it is RUNNING and its process is alive. */
@Entity('benchmark_runs')
@Check('benchmark_runs_mode_check', `mode IN ('sync', 'async', 'both')`)
@Check('benchmark_runs_status_check', `status IN ('RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED')`)
@Index('benchmark_runs_one', ['status'], { unique: true, where: `status = 'RUNNING'` })
export class BenchmarkRun {
  /** UUIDv7: the newest run has the greatest id. */
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  mode!: string;

  @Column('text')
  status!: RunStatus;

  @Column('json')
  settings!: object;

  @Column('json', { nullable: true })
  progress!: object | null;

  @Column('json', { nullable: true })
  result!: object | null;

  /** Latencies in time slices, of a run that has completed. Lists do not read it. */
  @Column('json', { name: 'over_time', nullable: true })
  overTime!: object | null;

  @Column('text', { nullable: true })
  error!: string | null;

  /** SHA-256 (hex) of the token that exempts the run from rate limits. */
  @Column('text', { name: 'token_hash' })
  tokenHash!: string;

  /** Start of the run's callback URLs. */
  @Column('text', { name: 'receiver_url', nullable: true })
  receiverUrl!: string | null;

  /** Last heartbeat of the process that runs it. */
  @Column('timestamp with time zone', { name: 'seen_at', default: () => 'now()' })
  seenAt!: Date;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamp with time zone', { name: 'finished_at', precision: 3, nullable: true })
  finishedAt!: Date | null;
}
