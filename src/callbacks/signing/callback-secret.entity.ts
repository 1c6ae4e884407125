import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A secret that signs callbacks until it expires, and its Ed25519 key. */
@Entity('callback_secrets')
@Index('callback_secrets_newest', { synchronize: false })
export class CallbackSecret {
  @PrimaryColumn('uuid')
  id!: string;

  /** `whsec_…` */
  @Column('text')
  secret!: string;

  /** `whsk_…` */
  @Column('text', { name: 'private_key' })
  privateKey!: string;

  /** Whether it came from `CALLBACK_SECRET`. */
  @Column('boolean', { name: 'from_environment' })
  fromEnvironment!: boolean;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'clock_timestamp()' })
  createdAt!: Date;

  /** Null for the newest secret only. */
  @Column('timestamp with time zone', { name: 'expires_at', precision: 3, nullable: true })
  expiresAt!: Date | null;
}
