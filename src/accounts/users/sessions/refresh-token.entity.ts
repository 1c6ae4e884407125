import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { Session } from './session.entity.js';

/** A refresh token. It can be used once; a second use ends its session. */
@Entity('refresh_tokens')
@Index('refresh_tokens_by_session', ['sessionId'])
@Index('refresh_tokens_expiry', ['expiresAt'])
export class RefreshToken {
  /** SHA-256, hex. The token is 256 random bits and cannot be guessed, so a slow hash is not needed. */
  @PrimaryColumn('text', { name: 'token_hash' })
  tokenHash!: string;

  @Column('uuid', { name: 'session_id' })
  sessionId!: string;

  @ManyToOne(() => Session, { onDelete: 'CASCADE', nullable: false })
  @JoinColumn({ name: 'session_id', foreignKeyConstraintName: 'refresh_tokens_session_id_fkey' })
  session?: Relation<Session>;

  @Column('timestamp with time zone', { name: 'expires_at', precision: 3 })
  expiresAt!: Date;

  @Column('timestamp with time zone', { name: 'used_at', precision: 3, nullable: true })
  usedAt!: Date | null;
}
