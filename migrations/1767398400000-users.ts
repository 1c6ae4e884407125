import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  `CREATE TABLE users (
    id uuid PRIMARY KEY,
    account_id uuid CONSTRAINT users_account_id_fkey REFERENCES accounts,
    role text NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT users_role_check CHECK (role IN ('organizer', 'customer')),
    CONSTRAINT users_account_check CHECK (account_id IS NULL OR role = 'organizer')
  )`,
  `CREATE UNIQUE INDEX users_email ON users (lower(email))`,

  // A session of a user or, for the dashboard, of an API key. Ending a session deletes its row.
  `CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid CONSTRAINT sessions_user_id_fkey REFERENCES users ON DELETE CASCADE,
    api_key_id uuid CONSTRAINT sessions_api_key_id_fkey REFERENCES api_keys ON DELETE CASCADE,
    cookie_hash text,
    expires_at timestamptz(3) NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT sessions_owner_check CHECK ((user_id IS NULL) <> (api_key_id IS NULL)),
    CONSTRAINT sessions_cookie_check CHECK (api_key_id IS NULL OR cookie_hash IS NOT NULL)
  )`,
  `CREATE INDEX sessions_by_user ON sessions (user_id, id) WHERE user_id IS NOT NULL`,
  `CREATE INDEX sessions_by_api_key ON sessions (api_key_id, id) WHERE api_key_id IS NOT NULL`,
  `CREATE INDEX sessions_expiry ON sessions (expires_at)`,

  // A used token is kept until it expires, because its reuse ends the session.
  `CREATE TABLE refresh_tokens (
    token_hash text PRIMARY KEY,
    session_id uuid NOT NULL CONSTRAINT refresh_tokens_session_id_fkey REFERENCES sessions ON DELETE CASCADE,
    expires_at timestamptz(3) NOT NULL,
    used_at timestamptz(3)
  )`,
  `CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id)`,
  `CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at)`,

  // One per user: a new request replaces the one before.
  `CREATE TABLE password_resets (
    user_id uuid PRIMARY KEY CONSTRAINT password_resets_user_id_fkey REFERENCES users ON DELETE CASCADE,
    token_hash text NOT NULL,
    expires_at timestamptz(3) NOT NULL,
    CONSTRAINT password_resets_token_key UNIQUE (token_hash)
  )`,

  // The secret that signs access tokens. The primary key admits one row, so concurrent first starts agree.
  `CREATE TABLE token_secrets (
    id integer PRIMARY KEY,
    secret text NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT token_secrets_id_check CHECK (id = 1)
  )`,
];

/** Users, their sessions and their tokens. */
export class Users1767398400000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE token_secrets, password_resets, refresh_tokens, sessions, users');
  }
}
