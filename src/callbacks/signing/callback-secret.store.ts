import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import type { CallbackSecret } from './callback-secret.entity.js';

/** What there is, expired ones too. */
export type KnownSecret = Pick<CallbackSecret, 'id' | 'secret' | 'fromEnvironment' | 'expiresAt'>;

/** A secret that signs, and for how long by the database's clock (null: until it is replaced). */
export interface ValidSecret extends Pick<CallbackSecret, 'id' | 'secret' | 'privateKey' | 'createdAt' | 'expiresAt'> {
  expiresInMs: number | null;
}

export type NewSecret = Pick<CallbackSecret, 'id' | 'secret' | 'privateKey' | 'fromEnvironment'>;

/** Secrets that sign at the same time: each is a signature more in the header of every callback. */
export const MAX_VALID_SECRETS = 10;

/** Cut to the column's precision, which would round it up: what ends now has ended. $6 is the overlap. */
const ENDS_AT = `date_trunc('milliseconds', clock_timestamp()) + $6 * interval '1 millisecond'`;
const IS_VALID = `(expires_at IS NULL OR expires_at > clock_timestamp())`;

/** All SQL of the secrets that callbacks are signed with. */
@Injectable()
export class CallbackSecretStore {
  constructor(private readonly database: Database) {}

  /** Everything there is, newest first. */
  async known(): Promise<KnownSecret[]> {
    const text = `SELECT id, secret, from_environment AS "fromEnvironment", expires_at AS "expiresAt"
      FROM callback_secrets ORDER BY expires_at IS NULL DESC, created_at DESC, id DESC`;
    return this.database.query<KnownSecret>({ name: 'secret_known', text });
  }

  /** What signs now, newest first. */
  async valid(): Promise<ValidSecret[]> {
    const text = `SELECT id, secret, private_key AS "privateKey", created_at AS "createdAt", expires_at AS "expiresAt",
        (1000 * extract(epoch FROM expires_at - clock_timestamp()))::float8 AS "expiresInMs"
      FROM callback_secrets WHERE ${IS_VALID} ORDER BY expires_at IS NULL DESC, created_at DESC, id DESC LIMIT $1`;
    return this.database.query<ValidSecret>({ name: 'secret_valid', text }, [MAX_VALID_SECRETS]);
  }

  /** Adds the first secret. @returns False when there is one already: another process was faster. */
  async addFirst({ id, secret, privateKey, fromEnvironment }: NewSecret): Promise<boolean> {
    const text = `INSERT INTO callback_secrets (id, secret, private_key, from_environment) VALUES ($1, $2, $3, $4)
      ON CONFLICT DO NOTHING RETURNING id`;
    const values = [id, secret, privateKey, fromEnvironment];
    return (await this.database.query({ name: 'secret_first', text }, values)).length > 0;
  }

  /**
   * Puts a secret in the place of the newest. That one, and those that had not expired yet, expire after the overlap
   * at the latest. A secret that comes back takes the place of its former self.
   * @param replacedId What the caller took for the newest.
   * @returns False when it is not, and nothing was done.
   */
  async replace(replacedId: string, fresh: NewSecret, overlapMs: number): Promise<boolean> {
    // The row that is replaced serializes all who would: who waited for it finds it expiring and does nothing.
    // The count makes the former self go before its successor comes.
    const text = `
      WITH replaced AS (
        UPDATE callback_secrets SET expires_at = ${ENDS_AT}
        WHERE id = $1 AND expires_at IS NULL RETURNING id
      ), older AS (
        UPDATE callback_secrets SET expires_at = least(expires_at, ${ENDS_AT})
        WHERE expires_at > clock_timestamp() AND secret <> $3 AND EXISTS (SELECT FROM replaced)
      ), former AS (
        DELETE FROM callback_secrets WHERE secret = $3 AND id <> $1 AND EXISTS (SELECT FROM replaced) RETURNING id
      )
      INSERT INTO callback_secrets (id, secret, private_key, from_environment)
      SELECT $2, $3, $4, $5 FROM replaced, (SELECT count(*) FROM former) gone
      RETURNING id`;
    const { id, secret, privateKey, fromEnvironment } = fresh;
    const values = [replacedId, id, secret, privateKey, fromEnvironment, overlapMs];
    return (await this.database.query({ name: 'secret_replace', text }, values)).length > 0;
  }

  /** Notes that the newest secret is the environment's too. */
  async markFromEnvironment(id: string): Promise<void> {
    const text = 'UPDATE callback_secrets SET from_environment = true WHERE id = $1';
    await this.database.query({ name: 'secret_mark', text }, [id]);
  }

  /** Drops what has expired, but for the secret that the environment gave last: by it a new one is known from an old. */
  async dropExpired(): Promise<void> {
    const text = `DELETE FROM callback_secrets WHERE NOT ${IS_VALID} AND id IS DISTINCT FROM
      (SELECT id FROM callback_secrets WHERE from_environment ORDER BY expires_at IS NULL DESC, created_at DESC, id DESC LIMIT 1)`;
    await this.database.query({ name: 'secret_drop', text });
  }
}
