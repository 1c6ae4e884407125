import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { RequestRecord } from '../../requests/request.entity.js';

/** The reason for an attempt: the first one, the retry schedule, a redelivery of one request, or a redelivery of many. */
export type AttemptTrigger = 'first' | 'retry' | 'manual' | 'replay';

/**
 * One attempt to deliver a callback. For a started attempt of a crashed worker, `success` and all fields of the outcome are
 * null.
 */
@Entity('callback_logs')
export class CallbackLog {
  @PrimaryColumn('uuid', { name: 'request_id' })
  requestId!: string;

  @ManyToOne(() => RequestRecord, { createForeignKeyConstraints: false })
  @JoinColumn({ name: 'request_id' })
  request?: Relation<RequestRecord>;

  @PrimaryColumn('integer', { name: 'attempt_number' })
  attemptNumber!: number;

  @Column('text', { default: 'first' })
  trigger!: AttemptTrigger;

  @Column('text')
  url!: string;

  @Column('text', { name: 'dialled_address', nullable: true })
  dialledAddress!: string | null;

  @Column('integer', { name: 'status_code', nullable: true })
  statusCode!: number | null;

  /** Null if the outcome is unknown. */
  @Column('boolean', { nullable: true })
  success!: boolean | null;

  @Column('text', { name: 'error_kind', nullable: true })
  errorKind!: string | null;

  @Column('text', { name: 'error_message', nullable: true })
  errorMessage!: string | null;

  /** As sent, without secrets. */
  @Column('json', { name: 'request_headers', nullable: true })
  requestHeaders!: object | null;

  @Column('integer', { name: 'body_bytes', nullable: true })
  bodyBytes!: number | null;

  /** Hex. The body itself is not kept: it is generated from the request, and is the same in every attempt. */
  @Column('text', { name: 'body_sha256', nullable: true })
  bodySha256!: string | null;

  /** At most 16 KiB on the wire. */
  @Column('json', { name: 'response_headers', nullable: true })
  responseHeaders!: object | null;

  /** The first 4 KiB. */
  @Column('text', { name: 'response_body', nullable: true })
  responseBody!: string | null;

  @Column('real', { name: 'dns_ms', nullable: true })
  dnsMs!: number | null;

  @Column('real', { name: 'connect_ms', nullable: true })
  connectMs!: number | null;

  @Column('real', { name: 'tls_ms', nullable: true })
  tlsMs!: number | null;

  @Column('real', { name: 'first_byte_ms', nullable: true })
  firstByteMs!: number | null;

  /** From the first stage to the last byte. */
  @Column('real', { name: 'response_time_ms', nullable: true })
  responseTimeMs!: number | null;

  @Column('timestamp with time zone', { name: 'attempted_at', precision: 3 })
  attemptedAt!: Date;

  @Column('timestamp with time zone', { name: 'next_attempt_at', precision: 3, nullable: true })
  nextAttemptAt!: Date | null;
}
