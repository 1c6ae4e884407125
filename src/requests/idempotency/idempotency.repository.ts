import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, type Repository } from 'typeorm';
import type { IdempotencyKey } from '../../http/idempotency-key.js';
import type { Query } from '../../platform/database/database.js';
import { IdempotencyRecord } from './idempotency-key.entity.js';

const CLAIM = `INSERT INTO idempotency_keys (caller, scope, key, fingerprint) VALUES ($1, $2, $3, $4)
  ON CONFLICT DO NOTHING RETURNING true AS claimed`;

const KEEP_RESPONSE = `UPDATE idempotency_keys SET response_status = $4, response_body = $5
  WHERE caller = $1 AND scope = $2 AND key = $3 AND response_status IS NULL`;

const FREE = `DELETE FROM idempotency_keys k
  USING unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) AS t (caller, scope, key, request_id)
  WHERE k.caller = t.caller AND k.scope = t.scope AND k.key = t.key AND k.request_id = t.request_id`;

const REMOVE_EXPIRED = `DELETE FROM idempotency_keys k USING (
    SELECT caller, scope, key FROM idempotency_keys WHERE created_at < now() - $1 * interval '1 second'
    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ) expired
  WHERE k.caller = expired.caller AND k.scope = expired.scope AND k.key = expired.key`;

/** The idempotency keys. Those of requests are inserted by the accepting statement. */
@Injectable()
export class IdempotencyRepository {
  constructor(@InjectRepository(IdempotencyRecord) private readonly keys: Repository<IdempotencyRecord>) {}

  async find({ caller, scope, key }: IdempotencyKey): Promise<IdempotencyRecord | null> {
    return this.keys.findOneBy({ caller, scope, key });
  }

  /**
   * Claims a key for a route that creates no request. Waits for a transaction that has claimed it and not ended yet.
   * @param query Of the transaction that does the work.
   * @returns False if the key is taken.
   */
  async claim(query: Query, { caller, scope, key, fingerprint }: IdempotencyKey): Promise<boolean> {
    return (await query({ name: 'key_claim', text: CLAIM }, [caller, scope, key, fingerprint])).length > 0;
  }

  /** Stores the response of a key that has none yet. */
  async keepResponse({ caller, scope, key }: IdempotencyKey, status: number, body: string): Promise<void> {
    const unanswered = { caller, scope, key, responseStatus: IsNull() };
    await this.keys.update(unanswered, { responseStatus: status, responseBody: body });
  }

  /** Does the same within the accepting transaction. @param query Of that transaction. */
  async keepResponseWithin(query: Query, key: IdempotencyKey, status: number, body: string): Promise<void> {
    const values = [key.caller, key.scope, key.key, status, body];
    await query({ name: 'key_keep_response', text: KEEP_RESPONSE }, values);
  }

  /** Deletes keys, unless a key names another request by now. */
  async free(keys: (IdempotencyKey & { requestId: string })[]): Promise<void> {
    await this.keys.query(FREE, [
      keys.map(({ caller }) => caller),
      keys.map(({ scope }) => scope),
      keys.map(({ key }) => key),
      keys.map(({ requestId }) => requestId),
    ]);
  }

  /**
   * Deletes the oldest of the keys that are past their age.
   * @returns The number of deleted keys, up to the limit.
   */
  async removeExpired(ageS: number, limit: number): Promise<number> {
    const [, count] = await this.keys.query<[unknown, number]>(REMOVE_EXPIRED, [ageS, limit]);
    return count;
  }
}
