import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import type { Query } from '../../platform/database/database.js';
import { User } from './user.entity.js';
import { UserEmailTaken } from './users.errors.js';

export type NewUser = Pick<User, 'id' | 'accountId' | 'role' | 'name' | 'email' | 'passwordHash'>;

const ADD_ACCOUNT = 'INSERT INTO accounts (id, name) VALUES ($1, $2)';
const ADD = `INSERT INTO users (id, account_id, role, name, email, password_hash) VALUES ($1, $2, $3, $4, $5, $6)`;
const CHANGE_PASSWORD = 'UPDATE users SET password_hash = $2 WHERE id = $1';
const REPLACE_PASSWORD = `${CHANGE_PASSWORD} AND password_hash = $3 RETURNING id`;

/** The users of all accounts. */
@Injectable()
export class UserRepository {
  constructor(@InjectRepository(User) private readonly users: Repository<User>) {}

  find(id: string): Promise<User | null> {
    return this.users.findOneBy({ id });
  }

  /** @param email In any case. */
  findByEmail(email: string): Promise<User | null> {
    // The index is on lower(email).
    return this.users.createQueryBuilder('u').where('lower(u.email) = lower(:email)', { email }).getOne();
  }

  /**
   * Adds a user, and its account if it has one.
   * @param query Of the caller's transaction.
   * @throws UserEmailTaken
   */
  async add(query: Query, { id, accountId, role, name, email, passwordHash }: NewUser): Promise<void> {
    if (accountId !== null)
      await query({ name: 'user_account_add', text: ADD_ACCOUNT }, [accountId, accountName(accountId)]);
    try {
      await query({ name: 'user_add', text: ADD }, [id, accountId, role, name, email, passwordHash]);
    } catch (error) {
      if ((error as { constraint?: string }).constraint === 'users_email') throw new UserEmailTaken();
      throw error;
    }
  }

  /** @param query Of the caller's transaction. */
  async changePassword(query: Query, id: string, passwordHash: string): Promise<void> {
    await query({ name: 'user_change_password', text: CHANGE_PASSWORD }, [id, passwordHash]);
  }

  /** @param query Of the caller's transaction. @returns False, without a change, if the password is no longer `replacedHash`. */
  async replacePassword(query: Query, id: string, passwordHash: string, replacedHash: string): Promise<boolean> {
    const values = [id, passwordHash, replacedHash];
    return (await query({ name: 'user_replace_password', text: REPLACE_PASSWORD }, values)).length > 0;
  }
}

/** The name of an organizer's account, in callbacks and for operators. Names of people may repeat and change. */
const accountName = (accountId: string): string => `organizer-${accountId}`;
