import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { ApiKey } from '../../api-key.entity.js';
import { User } from '../user.entity.js';

/**
 * A session of a user or, for the dashboard, of an API key. It lives while the row exists and has not expired; access tokens,
 * refresh tokens and cookies name it.
 */
@Entity('sessions')
@Check('sessions_owner_check', '(user_id IS NULL) <> (api_key_id IS NULL)')
@Check('sessions_cookie_check', 'api_key_id IS NULL OR cookie_hash IS NOT NULL')
@Index('sessions_by_user', ['userId', 'id'], { where: 'user_id IS NOT NULL' })
@Index('sessions_by_api_key', ['apiKeyId', 'id'], { where: 'api_key_id IS NOT NULL' })
@Index('sessions_expiry', ['expiresAt'])
export class Session {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'user_id', nullable: true })
  userId!: string | null;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'sessions_user_id_fkey' })
  user?: Relation<User> | null;

  @Column('uuid', { name: 'api_key_id', nullable: true })
  apiKeyId!: string | null;

  @ManyToOne(() => ApiKey, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'api_key_id', foreignKeyConstraintName: 'sessions_api_key_id_fkey' })
  apiKey?: Relation<ApiKey> | null;

  /** SHA-256 of the cookie's secret, hex; null for a session of tokens. */
  @Column('text', { name: 'cookie_hash', nullable: true })
  cookieHash!: string | null;

  @Column('timestamp with time zone', { name: 'expires_at', precision: 3 })
  expiresAt!: Date;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'clock_timestamp()' })
  createdAt!: Date;
}
