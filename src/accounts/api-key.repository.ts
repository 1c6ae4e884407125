import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, IsNull, type Repository, type SelectQueryBuilder } from 'typeorm';
import type { Scope } from '../http/scopes.js';
import { Account } from './account.entity.js';
import { ApiKey } from './api-key.entity.js';

/** The fields that authentication checks. Durations are by the database's clock. */
export interface CheckedKey {
  id: string;
  accountId: string;
  name: string;
  secretHash: string;
  scopes: Scope[];
  isRevoked: boolean;
  /** Null if the key does not expire; 0 or less once it has expired. */
  expiresInMs: number | null;
  /** Null if the key was never used. */
  lastUsedAgoMs: number | null;
}

/** A key as the API shows it, without its text. */
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
  /** Null if the key does not expire. */
  expiresInMs: number | null;
}

export interface ApiKeyFilter {
  /** Name of the account. */
  account?: string;
  /** Only keys older than this one. */
  beforeId?: string;
  limit: number;
}

/** Precision of `last_used_at`. */
export const LAST_USED_EVERY_MS = 60_000;

const IS_LIVE = `revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())`;

const FIND_CHECKED = `SELECT id, account_id AS "accountId", name, secret_hash AS "secretHash", scopes,
    revoked_at IS NOT NULL AS "isRevoked",
    (1000 * extract(epoch FROM expires_at - clock_timestamp()))::float8 AS "expiresInMs",
    (1000 * extract(epoch FROM clock_timestamp() - last_used_at))::float8 AS "lastUsedAgoMs"
  FROM api_keys WHERE id = ANY ($1::uuid[])`;

// The update changes nothing; it makes RETURNING include an account that exists already.
const ADD = `WITH account AS (
    INSERT INTO accounts (id, name) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id
  )
  INSERT INTO api_keys (id, account_id, name, scopes, secret_hash, expires_at)
  SELECT $3, id, $4, $5::text[], $6, now() + $7 * interval '1 millisecond' FROM account RETURNING account_id`;

const REPLACE = `WITH old AS (
    SELECT id, account_id, name, scopes, expires_at - created_at AS life FROM api_keys
    WHERE id = $1 AND replaced_by IS NULL AND ${IS_LIVE} FOR UPDATE
  ), ended AS (
    UPDATE api_keys k SET replaced_by = $2,
      expires_at = least(k.expires_at, date_trunc('milliseconds', clock_timestamp()) + $4 * interval '1 millisecond')
    FROM old WHERE k.id = old.id
  )
  INSERT INTO api_keys (id, account_id, name, scopes, secret_hash, expires_at)
  SELECT $2, account_id, name, scopes, $3, now() + life FROM old RETURNING id`;

const STATUS = `CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.expires_at <= clock_timestamp() THEN 'expired'
  ELSE 'active' END`;

/** API keys and their accounts. Times are by the database's clock, so that all processes agree on the state of a key. */
@Injectable()
export class ApiKeyRepository {
  constructor(
    @InjectRepository(ApiKey) private readonly keys: Repository<ApiKey>,
    @InjectRepository(Account) private readonly accounts: Repository<Account>,
  ) {}

  /** @returns The keys that exist of those given. */
  async findChecked(ids: string[]): Promise<CheckedKey[]> {
    return this.keys.query<CheckedKey[]>(FIND_CHECKED, [ids]);
  }

  /** Records that a key is in use. Of several processes that record it in the same minute, one writes. */
  async touch(id: string): Promise<void> {
    const isDue = `last_used_at IS NULL OR last_used_at <= clock_timestamp() - :everyMs * interval '1 millisecond'`;
    await this.keys
      .createQueryBuilder()
      .update({ lastUsedAt: () => 'clock_timestamp()' })
      .where('id = :id', { id })
      .andWhere(`(${isDue})`, { everyMs: LAST_USED_EVERY_MS })
      .execute();
  }

  /**
   * Adds a key, and its account if none has that name.
   * @param accountId The id of a new account.
   * @returns The id of the account.
   */
  async add({ id, name, account, scopes, secretHash, expiresInMs }: NewApiKey, accountId: string): Promise<string> {
    const values = [accountId, account, id, name, scopes, secretHash, expiresInMs];
    const [row] = await this.keys.query<{ account_id: string }[]>(ADD, values);
    return row!.account_id;
  }

  /**
   * Adds a successor to a live key, with the account, name, scopes and lifetime of that key. The old key expires after the
   * overlap at the latest.
   * @returns False if the key is not live or has a successor; then nothing was changed.
   */
  async replace(oldId: string, newId: string, secretHash: string, overlapMs: number): Promise<boolean> {
    const added = await this.keys.query<{ id: string }[]>(REPLACE, [oldId, newId, secretHash, overlapMs]);
    return added.length > 0;
  }

  /** Revokes a key. The time of an earlier revocation stays. */
  async revoke(id: string): Promise<void> {
    await this.keys.update({ id, revokedAt: IsNull() }, { revokedAt: () => 'clock_timestamp()' });
  }

  async find(id: string): Promise<ApiKeyRow | null> {
    return (await this.view().where('k.id = :id', { id }).getRawOne<ApiKeyRow>()) ?? null;
  }

  /** @returns Keys, newest first. */
  async list({ account, beforeId, limit }: ApiKeyFilter): Promise<ApiKeyRow[]> {
    const view = this.view().orderBy('k.id', 'DESC').limit(limit);
    if (account !== undefined) view.andWhere('a.name = :account', { account });
    if (beforeId !== undefined) view.andWhere('k.id < :beforeId', { beforeId });
    return view.getRawMany<ApiKeyRow>();
  }

  /** @returns The id of the account with a name, or null. */
  async findAccount(name: string): Promise<string | null> {
    return (await this.accounts.findOneBy({ name }))?.id ?? null;
  }

  /** @returns The names of those of the accounts that exist, by id. */
  async accountNames(ids: string[]): Promise<Map<string, string>> {
    const found = await this.accounts.findBy({ id: In(ids) });
    return new Map(found.map(({ id, name }) => [id, name]));
  }

  /** Whether any key is valid now. */
  async hasLive(): Promise<boolean> {
    return this.keys.createQueryBuilder().where(IS_LIVE).getExists();
  }

  private view(): SelectQueryBuilder<ApiKey> {
    return this.keys
      .createQueryBuilder('k')
      .innerJoin('k.account', 'a')
      .select('k.id', 'id')
      .addSelect('k.name', 'name')
      .addSelect('a.name', 'account')
      .addSelect('k.scopes', 'scopes')
      .addSelect(STATUS, 'status')
      .addSelect('k.createdAt', 'created_at')
      .addSelect('k.expiresAt', 'expires_at')
      .addSelect('k.lastUsedAt', 'last_used_at')
      .addSelect('k.revokedAt', 'revoked_at')
      .addSelect('k.replacedBy', 'replaced_by');
  }
}
