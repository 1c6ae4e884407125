import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import type { Scope } from '../http/scopes.js';

/** A key as it is checked against; times are told by the database's clock. */
export interface CheckedKey {
  id: string;
  accountId: string;
  secretHash: string;
  scopes: Scope[];
  isRevoked: boolean;
  /** Null for never; 0 or less: it has expired. */
  expiresInMs: number | null;
  /** Null for never. */
  lastUsedAgoMs: number | null;
}

/** A key as people see it. */
export interface ApiKeyRow {
  id: string;
  name: string;
  account: string;
  scopes: Scope[];
  status: 'active' | 'expired' | 'revoked';
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
  revoked_at: Date | null;
  replaced_by: string | null;
}

export interface NewApiKey {
  id: string;
  name: string;
  account: string;
  scopes: Scope[];
  secretHash: string;
  /** Null for no end. */
  expiresInMs: number | null;
}

export interface ApiKeyFilter {
  account?: string;
  /** Only keys older than this one. */
  beforeId?: string;
  limit: number;
}

/** How far `last_used_at` may be behind. */
export const LAST_USED_EVERY_MS = 60_000;

const IS_LIVE = `revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())`;
const ROW = `k.id, k.name, a.name AS account, k.scopes, k.created_at, k.expires_at, k.last_used_at, k.revoked_at, k.replaced_by,
  CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.expires_at <= clock_timestamp() THEN 'expired'
    ELSE 'active' END AS status
  FROM api_keys k JOIN accounts a ON a.id = k.account_id`;

/** All SQL of accounts and their keys. */
@Injectable()
export class ApiKeysStore {
  constructor(private readonly database: Database) {}

  /** What keys are checked against, of those there are. */
  async findChecked(ids: string[]): Promise<CheckedKey[]> {
    const ms = (interval: string) => `(1000 * extract(epoch FROM ${interval}))::float8`;
    const text = `SELECT id, account_id AS "accountId", secret_hash AS "secretHash", scopes,
        revoked_at IS NOT NULL AS "isRevoked", ${ms('expires_at - clock_timestamp()')} AS "expiresInMs",
        ${ms('clock_timestamp() - last_used_at')} AS "lastUsedAgoMs"
      FROM api_keys WHERE id = ANY ($1::uuid[])`;
    return this.database.query<CheckedKey>({ name: 'api_key_checked', text }, [ids]);
  }

  /** Notes that a key is used; of many processes that notice it at the same time one writes. */
  async touch(id: string): Promise<void> {
    const text = `UPDATE api_keys SET last_used_at = clock_timestamp()
      WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= clock_timestamp() - $2 * interval '1 millisecond')`;
    await this.database.query({ name: 'api_key_touch', text }, [id, LAST_USED_EVERY_MS]);
  }

  /** Adds a key, and its account if there is none of that name. */
  async add({ id, name, account, scopes, secretHash, expiresInMs }: NewApiKey, accountId: string): Promise<void> {
    // The update that changes nothing makes RETURNING give the account that is there.
    const text = `WITH account AS (
        INSERT INTO accounts (id, name) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id
      )
      INSERT INTO api_keys (id, account_id, name, scopes, secret_hash, expires_at)
      SELECT $3, id, $4, $5::text[], $6, now() + $7 * interval '1 millisecond' FROM account`;
    const values = [accountId, account, id, name, scopes, secretHash, expiresInMs];
    await this.database.query({ name: 'api_key_add', text }, values);
  }

  /**
   * Puts a new key in the place of a live one: same account, name and scopes, and as long a life as that one was given.
   * The old one expires after the overlap at the latest.
   * @returns False when it is not live, or has a successor already; nothing was done then.
   */
  async replace(oldId: string, newId: string, secretHash: string, overlapMs: number): Promise<boolean> {
    const text = `WITH old AS (
        SELECT id, account_id, name, scopes, expires_at - created_at AS life FROM api_keys
        WHERE id = $1 AND replaced_by IS NULL AND ${IS_LIVE} FOR UPDATE
      ), ended AS (
        UPDATE api_keys k SET replaced_by = $2,
          expires_at = least(k.expires_at, date_trunc('milliseconds', clock_timestamp()) + $4 * interval '1 millisecond')
        FROM old WHERE k.id = old.id
      )
      INSERT INTO api_keys (id, account_id, name, scopes, secret_hash, expires_at)
      SELECT $2, account_id, name, scopes, $3, now() + life FROM old RETURNING id`;
    const values = [oldId, newId, secretHash, overlapMs];
    return (await this.database.query({ name: 'api_key_replace', text }, values)).length > 0;
  }

  /** Ends a key for good. One that is revoked already stays as it is. */
  async revoke(id: string): Promise<void> {
    const text = 'UPDATE api_keys SET revoked_at = clock_timestamp() WHERE id = $1 AND revoked_at IS NULL';
    await this.database.query({ name: 'api_key_revoke', text }, [id]);
  }

  async find(id: string): Promise<ApiKeyRow | null> {
    const [row] = await this.database.query<ApiKeyRow>(
      { name: 'api_key_find', text: `SELECT ${ROW} WHERE k.id = $1` },
      [id],
    );
    return row ?? null;
  }

  /** Newest first. */
  async list({ account, beforeId, limit }: ApiKeyFilter): Promise<ApiKeyRow[]> {
    const text = `SELECT ${ROW} WHERE ($1::text IS NULL OR a.name = $1) AND ($2::uuid IS NULL OR k.id < $2)
      ORDER BY k.id DESC LIMIT $3`;
    return this.database.query<ApiKeyRow>({ name: 'api_key_list', text }, [account ?? null, beforeId ?? null, limit]);
  }

  /** The id of an account, by its name. */
  async findAccount(name: string): Promise<string | null> {
    const text = 'SELECT id FROM accounts WHERE name = $1';
    const [row] = await this.database.query<{ id: string }>({ name: 'account_find', text }, [name]);
    return row?.id ?? null;
  }

  /** Whether there is a key at all that is good for something now. */
  async hasLive(): Promise<boolean> {
    const text = `SELECT 1 FROM api_keys WHERE ${IS_LIVE} LIMIT 1`;
    return (await this.database.query({ name: 'api_key_any', text })).length > 0;
  }
}
