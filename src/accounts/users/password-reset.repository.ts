import { Injectable } from '@nestjs/common';
import type { Query } from '../../platform/database/database.js';

const REPLACE = `INSERT INTO password_resets (user_id, token_hash, expires_at)
  VALUES ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
  ON CONFLICT (user_id) DO UPDATE SET token_hash = excluded.token_hash, expires_at = excluded.expires_at
  RETURNING expires_at AS "expiresAt"`;
const IS_VALID = 'token_hash = $1 AND expires_at > clock_timestamp()';
const FIND = `SELECT user_id AS "userId" FROM password_resets WHERE ${IS_VALID}`;
const USE = `DELETE FROM password_resets WHERE ${IS_VALID} RETURNING user_id AS "userId"`;
const DROP = 'DELETE FROM password_resets WHERE user_id = $1';

/** Pending password resets, at most one of a user. */
@Injectable()
export class PasswordResetRepository {
  /** @returns When the token expires. Earlier tokens of the user are void. */
  async replace(query: Query, userId: string, tokenHash: string, lifeMs: number): Promise<Date> {
    const statement = { name: 'password_reset_replace', text: REPLACE };
    const [row] = await query<{ expiresAt: Date }>(statement, [userId, tokenHash, lifeMs]);
    return row!.expiresAt;
  }

  async isValid(query: Query, tokenHash: string): Promise<boolean> {
    return (await query({ name: 'password_reset_find', text: FIND }, [tokenHash])).length > 0;
  }

  /** Uses a token, once. @returns Its user; null for a token that is unknown, expired or used. */
  async use(query: Query, tokenHash: string): Promise<string | null> {
    const [row] = await query<{ userId: string }>({ name: 'password_reset_use', text: USE }, [tokenHash]);
    return row?.userId ?? null;
  }

  async drop(query: Query, userId: string): Promise<void> {
    await query({ name: 'password_reset_drop', text: DROP }, [userId]);
  }
}
