import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { type FinishedRequest, FinishedRequests } from './finished-requests.js';

/**
 * Hand-written because it runs for every batch of callbacks: the statement is prepared once a connection, and the result
 * stays JSON text instead of being parsed and serialized again.
 */
@Injectable()
export class FinishedRequestsStore extends FinishedRequests {
  constructor(private readonly database: Database) {
    super();
  }

  async find(ids: readonly string[]): Promise<Map<string, FinishedRequest>> {
    const text = `SELECT id, account_id AS account, status, queue_position AS "queuePosition",
        result_payload::text AS result, error, completed_at AS "completedAt"
      FROM requests WHERE id = ANY ($1::uuid[]) AND completed_at IS NOT NULL`;
    const rows = await this.database.query<FinishedRequest>({ name: 'request_find_finished', text }, [ids]);
    return new Map(rows.map((row) => [row.id, row]));
  }
}
