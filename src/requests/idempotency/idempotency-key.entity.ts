import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** An idempotency key of a caller, and the request that it created or the response that it got. Kept for 24 hours. */
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

  /** SHA-256 of the canonical body, hex. A different body with the same key is refused. */
  @Column('text')
  fingerprint!: string;

  /** Null for a route that creates no request; its response is stored. */
  @Column('uuid', { name: 'request_id', nullable: true })
  requestId!: string | null;

  /** The stored response, if it cannot be rendered from the request; null otherwise. */
  @Column('integer', { name: 'response_status', nullable: true })
  responseStatus!: number | null;

  @Column('text', { name: 'response_body', nullable: true })
  responseBody!: string | null;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;
}
