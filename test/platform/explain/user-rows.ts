import type pg from 'pg';
import { SORTED_ID } from './sorted-id.js';

export const USERS = 50_000;
export const SESSIONS = 100_000;
export const RESETS = 20_000;
/** Sessions, and as many refresh tokens, that have expired and are not deleted yet. */
const EXPIRED = 10_000;

/** Has a few more sessions than a user may have: several processes may start some at once. */
export const BUSY_USER = 1;
const OF_BUSY_USER = 60;
/** The API key of the dashboard's sessions. */
export const KEY = 'cccccccc-0000-7000-8000-000000000000';
const OF_KEY = 60;

/** Hashes of tokens and passwords look like this. */
export const hashOf = (n: number | string): string => `hash-${n}`;

/** Users with sessions, refresh tokens and pending resets. */
export async function fillUsers(client: pg.Client): Promise<void> {
  await client.query(`INSERT INTO users (id, role, name, email, password_hash)
    SELECT ${SORTED_ID('n')}, CASE WHEN n % 10 = 0 THEN 'organizer' ELSE 'customer' END, 'User ' || n,
      'User-' || n || '@users.example', 'hash-' || n FROM generate_series(1, ${USERS}) n`);
  await client.query(
    `INSERT INTO api_keys (id, account_id, name, secret_hash, scopes) VALUES ('${KEY}', '${KEY}', 'key', 'hash', '{}')`,
  );
  await client.query(`INSERT INTO sessions (id, user_id, api_key_id, cookie_hash, expires_at)
    SELECT ${SORTED_ID('n')},
      CASE WHEN n <= ${OF_BUSY_USER} THEN ${SORTED_ID(String(BUSY_USER))}
        WHEN n > ${OF_BUSY_USER + OF_KEY} THEN ${SORTED_ID(`2 + n % ${USERS - 2}`)} END,
      CASE WHEN n > ${OF_BUSY_USER} AND n <= ${OF_BUSY_USER + OF_KEY} THEN '${KEY}'::uuid END, 'hash-' || n,
      now() + CASE WHEN n > ${SESSIONS - EXPIRED} THEN interval '-1 hour' ELSE interval '10 days' END
    FROM generate_series(1, ${SESSIONS}) n`);
  await client.query(`INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
    SELECT 'hash-' || n, id, expires_at FROM sessions, LATERAL (SELECT substr(cookie_hash, 6)::integer) s (n)`);
  await client.query(`INSERT INTO password_resets (user_id, token_hash, expires_at)
    SELECT ${SORTED_ID('n')}, 'hash-' || n, now() + interval '20 minutes' FROM generate_series(1, ${RESETS}) n`);
}
