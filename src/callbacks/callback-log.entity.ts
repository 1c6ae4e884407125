import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn, type Relation } from 'typeorm';
import { RequestEntity } from '../requests/request.entity.js';

/** Why an attempt was made: it was the first, the schedule wanted another, or somebody asked for one. */
export type AttemptTrigger = 'first' | 'retry' | 'manual';

/** One attempt to deliver a callback, as it went. */
@Entity('callback_logs')
@Index('callback_logs_request', ['requestId', 'attemptNumber'])
export class CallbackLogEntity {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id!: number;

  @Column('uuid', { name: 'request_id' })
  requestId!: string;

  @ManyToOne(() => RequestEntity, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'request_id', foreignKeyConstraintName: 'callback_logs_request_id_fkey' })
  request?: Relation<RequestEntity>;

  @Column('integer', { name: 'attempt_number' })
  attemptNumber!: number;

  @Column('text', { default: 'first' })
  trigger!: AttemptTrigger;

  @Column('text')
  url!: string;

  @Column('text', { name: 'dialled_address', nullable: true })
  dialledAddress!: string | null;

  @Column('integer', { name: 'status_code', nullable: true })
  statusCode!: number | null;

  @Column('boolean')
  success!: boolean;

  @Column('text', { name: 'error_kind', nullable: true })
  errorKind!: string | null;

  @Column('text', { name: 'error_message', nullable: true })
  errorMessage!: string | null;

  @Column('real', { name: 'response_time_ms' })
  responseTimeMs!: number;

  @Column('timestamp with time zone', { name: 'attempted_at', precision: 3 })
  attemptedAt!: Date;

  @Column('timestamp with time zone', { name: 'next_attempt_at', precision: 3, nullable: true })
  nextAttemptAt!: Date | null;
}
