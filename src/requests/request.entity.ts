import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

export const REQUEST_MODES = ['sync', 'async'] as const;
export type RequestMode = (typeof REQUEST_MODES)[number];

export const REQUEST_STATUSES = ['PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED'] as const;
export type RequestStatus = (typeof REQUEST_STATUSES)[number];

/** One requested report: its parameters, its position in its lane and its outcome. */
@Entity('requests')
@Check('requests_mode_check', `mode IN ('sync', 'async')`)
@Check('requests_status_check', `status IN ('PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED')`)
@Check('requests_lane_check', `(mode = 'async') = (lane IS NOT NULL AND queue_position IS NOT NULL)`)
@Index('requests_position', ['lane', 'queuePosition'], { unique: true })
@Index('requests_unfinished', ['lane', 'queuePosition'], { where: `status IN ('PENDING', 'PROCESSING')` })
@Index('requests_by_lane', ['lane', 'id'])
@Index('requests_by_report', ['report', 'id'])
@Index('requests_by_mode', ['mode', 'id'])
@Index('requests_by_status', ['status', 'id'], { where: `status <> 'COMPLETED'` })
@Index('requests_by_account', ['accountId', 'id'], { where: 'account_id IS NOT NULL' })
@Index('requests_by_account_report', ['accountId', 'report', 'id'], { where: 'account_id IS NOT NULL' })
@Index('requests_by_account_mode', ['accountId', 'mode', 'id'], { where: 'account_id IS NOT NULL' })
@Index('requests_by_account_status', ['accountId', 'status', 'id'], {
  where: `account_id IS NOT NULL AND status <> 'COMPLETED'`,
})
@Index('requests_crashed', ['id'], { where: `crashed_workers IS NOT NULL AND status IN ('PENDING', 'PROCESSING')` })
@Index('requests_sync_leases', ['leaseUntil'], { where: `mode = 'sync' AND status = 'PROCESSING'` })
export class RequestRecord {
  /** UUIDv7: a newer request has a greater id. */
  @PrimaryColumn('uuid')
  id!: string;

  /** Null for a request that was accepted with `AUTH=open`. */
  @Column('uuid', { name: 'account_id', nullable: true })
  accountId!: string | null;

  @Column('text')
  mode!: RequestMode;

  @Column('text')
  status!: RequestStatus;

  @Column('text')
  report!: string;

  @Column('text')
  format!: string;

  /** Null for a sync request, which does not queue. */
  @Column('text', { nullable: true })
  lane!: string | null;

  @Column('bigint', { name: 'queue_position', nullable: true })
  queuePosition!: number | null;

  /** `jobs_ahead` of the acknowledgement, for replays of it. */
  @Column('bigint', { name: 'jobs_ahead_at_accept', nullable: true })
  jobsAheadAtAccept!: number | null;

  /** Estimated bytes of its file, which count as used until it is finished. */
  @Column('bigint', { name: 'estimated_bytes', default: 0 })
  estimatedBytes!: number;

  @Column('json', { name: 'input_payload' })
  inputPayload!: object;

  @Column('json', { name: 'result_payload', nullable: true })
  resultPayload!: Record<string, unknown> | null;

  @Column('text', { name: 'file_key', nullable: true })
  fileKey!: string | null;

  /** Bytes of its file. */
  @Column('bigint', { name: 'file_bytes', nullable: true })
  fileBytes!: number | null;

  @Column('text', { nullable: true })
  error!: string | null;

  @Column('text', { name: 'callback_url', nullable: true })
  callbackUrl!: string | null;

  @Column('text', { name: 'idempotency_key', nullable: true })
  idempotencyKey!: string | null;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamp with time zone', { name: 'started_at', precision: 3, nullable: true })
  startedAt!: Date | null;

  @Column('timestamp with time zone', { name: 'completed_at', precision: 3, nullable: true })
  completedAt!: Date | null;

  /** Worker id of the process that generates a sync request. Async requests have the lease of their lane. */
  @Column('text', { name: 'leased_by', nullable: true })
  leasedBy!: string | null;

  @Column('timestamp with time zone', { name: 'lease_until', nullable: true })
  leaseUntil!: Date | null;

  @Column('bigint', { name: 'lease_epoch', default: 0 })
  leaseEpoch!: number;

  /** Worker ids whose lease expired while they generated the request and that have not reported since; null for none. */
  @Column('text', { name: 'crashed_workers', array: true, nullable: true })
  crashedWorkers!: string[] | null;
}
