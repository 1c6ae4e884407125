import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import type { UserRole } from '../../http/caller.js';
import { Account } from '../account.entity.js';

/** A person who signs in with an email address and a password. */
@Entity('users')
@Index('users_email', { synchronize: false })
@Check('users_role_check', `role IN ('organizer', 'customer')`)
@Check('users_account_check', `account_id IS NULL OR role = 'organizer'`)
export class User {
  @PrimaryColumn('uuid')
  id!: string;

  /** The account that an organizer has. Null for customers, and for organizers who registered with `AUTH=open`. */
  @Column('uuid', { name: 'account_id', nullable: true })
  accountId!: string | null;

  @ManyToOne(() => Account)
  @JoinColumn({ name: 'account_id', foreignKeyConstraintName: 'users_account_id_fkey' })
  account?: Relation<Account> | null;

  @Column('text')
  role!: UserRole;

  @Column('text')
  name!: string;

  /** Unique regardless of case. */
  @Column('text')
  email!: string;

  /** argon2id, in the PHC string format. */
  @Column('text', { name: 'password_hash' })
  passwordHash!: string;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'clock_timestamp()' })
  createdAt!: Date;
}
