import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import type { UserRole } from '../../../http/caller.js';
import type { Query } from '../../../platform/database/database.js';
import { Session } from './session.entity.js';

/** The fields that authentication checks. Durations are by the database's clock. */
export type CheckedSession = (OfUser | OfKey) & {
  id: string;
  cookieHash: string | null;
  /** 0 or less once it has expired. */
  expiresInMs: number;
};

interface OfUser {
  userId: string;
  apiKeyId: null;
  /** Null for customers, and for organizers without an account. */
  accountId: string | null;
  role: UserRole;
  name: string;
  email: string;
}

interface OfKey {
  userId: null;
  apiKeyId: string;
}

export interface NewSession {
  id: string;
  /** Null for a session of tokens. */
  cookieHash: string | null;
  lifeMs: number;
}

/** Sessions of one user or API key at the same time. A further one ends the oldest. */
const MAX_SESSIONS = 50;

const FIND_CHECKED = `SELECT s.id, s.user_id AS "userId", s.api_key_id AS "apiKeyId", s.cookie_hash AS "cookieHash",
    (1000 * extract(epoch FROM s.expires_at - clock_timestamp()))::float8 AS "expiresInMs",
    u.account_id AS "accountId", u.role, u.name, u.email
  FROM sessions s LEFT JOIN users u ON u.id = s.user_id WHERE s.id = ANY ($1::uuid[])`;

// The lock orders this statement and a change of the password, which ends all sessions: one waits for the other.
const ADD_OF_USER = `INSERT INTO sessions (id, user_id, cookie_hash, expires_at)
  SELECT $1, id, $3, clock_timestamp() + $4 * interval '1 millisecond' FROM users
  WHERE id = $2 AND password_hash = $5 FOR SHARE RETURNING id`;
const ADD_OF_KEY = `INSERT INTO sessions (id, api_key_id, cookie_hash, expires_at)
  VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 millisecond')`;

// The new session is excluded by its id, because ids of other processes may be a little ahead.
const endOldest = (owner: 'user_id' | 'api_key_id'): string => `DELETE FROM sessions WHERE id IN
  (SELECT id FROM sessions WHERE ${owner} = $1 AND id <> $2 ORDER BY id DESC OFFSET ${MAX_SESSIONS - 1}) RETURNING id`;
const END_OLDEST_OF_USER = { name: 'session_end_oldest_of_user', text: endOldest('user_id') };
const END_OLDEST_OF_KEY = { name: 'session_end_oldest_of_key', text: endOldest('api_key_id') };

const EXTEND = `UPDATE sessions SET expires_at = clock_timestamp() + $2 * interval '1 millisecond'
  WHERE id = $1 AND expires_at > clock_timestamp() RETURNING user_id AS "userId"`;

const END = 'DELETE FROM sessions WHERE id = $1';
const END_OTHERS = 'DELETE FROM sessions WHERE user_id = $1 AND id IS DISTINCT FROM $2::uuid RETURNING id';

const EXPIRE = `DELETE FROM sessions WHERE id IN
  (SELECT id FROM sessions WHERE expires_at <= clock_timestamp() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
  RETURNING id`;

/** The sessions of users and API keys. */
@Injectable()
export class SessionRepository {
  constructor(@InjectRepository(Session) private readonly sessions: Repository<Session>) {}

  /** @returns The sessions that exist of those given. */
  findChecked(ids: string[]): Promise<CheckedSession[]> {
    return this.sessions.query<CheckedSession[]>(FIND_CHECKED, [ids]);
  }

  /**
   * Adds a session of a user whose password was checked.
   * @param query Of the caller's transaction.
   * @param passwordHash The one that was checked.
   * @returns The ids of older sessions that it ended; null, without a session, if the password has changed since.
   */
  async addOfUser(
    query: Query,
    { id, cookieHash, lifeMs }: NewSession,
    { userId, passwordHash }: { userId: string; passwordHash: string },
  ): Promise<string[] | null> {
    const values = [id, userId, cookieHash, lifeMs, passwordHash];
    if ((await query({ name: 'session_add_of_user', text: ADD_OF_USER }, values)).length === 0) return null;
    return (await query<{ id: string }>(END_OLDEST_OF_USER, [userId, id])).map((row) => row.id);
  }

  /** @param query Of the caller's transaction. @returns The ids of older sessions that it ended. */
  async addOfKey(query: Query, { id, cookieHash, lifeMs }: NewSession, apiKeyId: string): Promise<string[]> {
    await query({ name: 'session_add_of_key', text: ADD_OF_KEY }, [id, apiKeyId, cookieHash, lifeMs]);
    return (await query<{ id: string }>(END_OLDEST_OF_KEY, [apiKeyId, id])).map((row) => row.id);
  }

  /** @param query Of the caller's transaction. @returns The user of a live session; null if it has ended. */
  async extend(query: Query, id: string, lifeMs: number): Promise<string | null> {
    const [extended] = await query<{ userId: string }>({ name: 'session_extend', text: EXTEND }, [id, lifeMs]);
    return extended?.userId ?? null;
  }

  async end(query: Query, id: string): Promise<void> {
    await query({ name: 'session_end', text: END }, [id]);
  }

  /**
   * Ends the sessions of a user.
   * @param query Of the caller's transaction.
   * @param keptId The session that stays; null for none.
   * @returns The ids of the ended sessions.
   */
  async endOthers(query: Query, userId: string, keptId: string | null): Promise<string[]> {
    const ended = await query<{ id: string }>({ name: 'session_end_others', text: END_OTHERS }, [userId, keptId]);
    return ended.map(({ id }) => id);
  }

  /** Deletes up to `limit` expired sessions. @returns Their number. */
  async removeExpired(query: Query, limit: number): Promise<number> {
    return (await query({ name: 'session_expire', text: EXPIRE }, [limit])).length;
  }
}
