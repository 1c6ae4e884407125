import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { OPEN_INSTALLATION } from '../../platform/tenant.js';

/** A secret that signs the callbacks of an account until it expires, and its Ed25519 key. */
@Entity('callback_secrets')
@Index('callback_secrets_newest', ['accountId'], { unique: true, where: 'expires_at IS NULL' })
@Index('callback_secrets_by_account', ['accountId', 'createdAt'])
export class CallbackSecret {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'account_id', default: OPEN_INSTALLATION })
  accountId!: string;

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

  /** Null for the newest secret of the account only. */
  @Column('timestamp with time zone', { name: 'expires_at', precision: 3, nullable: true })
  expiresAt!: Date | null;
}
