import { Injectable } from '@nestjs/common';
import { Database, type Query } from '../../platform/database/database.js';
import type { IdempotencyKey } from '../../http/idempotency-key.js';

export interface KeyRow {
  fingerprint: string;
  request_id: string;
  response_status: number | null;
  response_body: string | null;
}

/** SQL of the idempotency keys, apart from their insertion, which belongs to the accepting statement. */
@Injectable()
export class IdempotencyStore {
  constructor(private readonly database: Database) {}

  async find({ caller, scope, key }: IdempotencyKey): Promise<KeyRow | null> {
    const text = `SELECT fingerprint, request_id, response_status, response_body
      FROM idempotency_keys WHERE caller = $1 AND scope = $2 AND key = $3`;
    const [row] = await this.database.query<KeyRow>({ name: 'key_find', text }, [caller, scope, key]);
    return row ?? null;
  }

  /**
   * Keeps a response that cannot be rendered again from the request alone; the first one stays.
   * @param query Of the transaction that this belongs to, if it belongs to one.
   */
  async keepResponse(
    key: IdempotencyKey,
    status: number,
    body: string,
    query: Query = this.database.query,
  ): Promise<void> {
    const text = `UPDATE idempotency_keys SET response_status = $4, response_body = $5
      WHERE caller = $1 AND scope = $2 AND key = $3 AND response_status IS NULL`;
    await query({ name: 'key_keep_response', text }, [key.caller, key.scope, key.key, status, body]);
  }

  /** Frees keys whose request was never admitted, or is no more. Says so only while they still name that request. */
  async free(keys: (IdempotencyKey & { requestId: string })[]): Promise<void> {
    const text = `DELETE FROM idempotency_keys k
      USING unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) AS t (caller, scope, key, request_id)
      WHERE k.caller = t.caller AND k.scope = t.scope AND k.key = t.key AND k.request_id = t.request_id`;
    await this.database.query({ name: 'key_free', text }, [
      keys.map(({ caller }) => caller),
      keys.map(({ scope }) => scope),
      keys.map(({ key }) => key),
      keys.map(({ requestId }) => requestId),
    ]);
  }

  /**
   * Forgets keys that are older than they are kept, up to so many.
   * @returns How many it was.
   */
  async forgetExpired(keptS: number, limit: number): Promise<number> {
    const text = `DELETE FROM idempotency_keys k USING (
        SELECT caller, scope, key FROM idempotency_keys WHERE created_at < now() - $1 * interval '1 second'
        ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
      ) expired
      WHERE k.caller = expired.caller AND k.scope = expired.scope AND k.key = expired.key RETURNING 1`;
    return (await this.database.query({ name: 'key_forget_expired', text }, [keptS, limit])).length;
  }
}
