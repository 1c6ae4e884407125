import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A key that a caller gave, bound to the request it made. Kept 24 hours. */
@Entity('idempotency_keys')
@Index('idempotency_keys_created', ['createdAt'])
export class IdempotencyRecord {
  @PrimaryColumn('text')
  caller!: string;

  /** Method and path, e.g. `POST /api/async`. */
  @PrimaryColumn('text')
  scope!: string;

  @PrimaryColumn('text')
  key!: string;

  /** SHA-256 of the canonical body; another body under the same key is refused. */
  @Column('text')
  fingerprint!: string;

  @Column('uuid', { name: 'request_id' })
  requestId!: string;

  /** Set once the answer was given, when it cannot be made again from the request alone. */
  @Column('integer', { name: 'response_status', nullable: true })
  responseStatus!: number | null;

  @Column('text', { name: 'response_body', nullable: true })
  responseBody!: string | null;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;
}
