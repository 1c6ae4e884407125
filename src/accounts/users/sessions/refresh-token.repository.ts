import { Injectable } from '@nestjs/common';
import type { Query } from '../../../platform/database/database.js';

const ADD = `INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
  VALUES ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')`;

const USE = `UPDATE refresh_tokens SET used_at = clock_timestamp()
  WHERE token_hash = $1 AND used_at IS NULL AND expires_at > clock_timestamp() RETURNING session_id AS "sessionId"`;

const FIND = `SELECT session_id AS "sessionId", used_at IS NOT NULL AS "isUsed" FROM refresh_tokens
  WHERE token_hash = $1 AND expires_at > clock_timestamp()`;

const EXPIRE = `DELETE FROM refresh_tokens WHERE token_hash IN
  (SELECT token_hash FROM refresh_tokens WHERE expires_at <= clock_timestamp() ORDER BY expires_at LIMIT $1
    FOR UPDATE SKIP LOCKED)
  RETURNING token_hash`;

/** Refresh tokens. Every method runs in the caller's transaction, because a token changes together with its session. */
@Injectable()
export class RefreshTokenRepository {
  async add(query: Query, hash: string, sessionId: string, lifeMs: number): Promise<void> {
    await query({ name: 'refresh_token_add', text: ADD }, [hash, sessionId, lifeMs]);
  }

  /** Uses a token, once. @returns Its session; null for a token that is unknown, expired or used. */
  async use(query: Query, hash: string): Promise<string | null> {
    const [used] = await query<{ sessionId: string }>({ name: 'refresh_token_use', text: USE }, [hash]);
    return used?.sessionId ?? null;
  }

  /** @returns The session of a token that has not expired, and whether the token was used. */
  async find(query: Query, hash: string): Promise<{ sessionId: string; isUsed: boolean } | null> {
    const rows = await query<{ sessionId: string; isUsed: boolean }>({ name: 'refresh_token_find', text: FIND }, [
      hash,
    ]);
    return rows[0] ?? null;
  }

  /** Deletes up to `limit` expired tokens. @returns Their number. */
  async removeExpired(query: Query, limit: number): Promise<number> {
    return (await query({ name: 'refresh_token_expire', text: EXPIRE }, [limit])).length;
  }
}
