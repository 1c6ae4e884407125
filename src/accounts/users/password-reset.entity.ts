import { Column, Entity, JoinColumn, OneToOne, PrimaryColumn, type Relation, Unique } from 'typeorm';
import { User } from './user.entity.js';

/** The pending password reset of a user. A new one replaces it, and using it deletes it. */
@Entity('password_resets')
@Unique('password_resets_token_key', ['tokenHash'])
export class PasswordReset {
  @PrimaryColumn('uuid', { name: 'user_id' })
  userId!: string;

  @OneToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'password_resets_user_id_fkey' })
  user?: Relation<User>;

  /** SHA-256, hex. */
  @Column('text', { name: 'token_hash' })
  tokenHash!: string;

  @Column('timestamp with time zone', { name: 'expires_at', precision: 3 })
  expiresAt!: Date;
}
