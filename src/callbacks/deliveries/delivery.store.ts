import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { type DeliverySelection, selectionConditions } from './delivery-selection.js';

export interface DeliveryFilter extends DeliverySelection {
  /** Only deliveries older than this one. */
  beforeId?: string;
  limit: number;
}

export interface DeliveryRow {
  id: string;
  request_id: string;
  url: string;
  destination: string;
  lane: string;
  queue_position: number;
  status: 'PENDING' | 'SUCCESS' | 'FAILED';
  attempts: number;
  error: string | null;
  next_attempt_at: Date;
  created_at: Date;
  finished_at: Date | null;
}

/** All SQL of what became of deliveries: their records, and what operators see and do. */
@Injectable()
export class DeliveryStore {
  constructor(private readonly database: Database) {}

  /** Ends deliveries without an attempt. They can be sent again by hand. */
  async refuse(ids: string[], error: string): Promise<void> {
    const text = `WITH locked AS (
        SELECT id FROM callback_deliveries WHERE id = ANY ($1::uuid[]) AND finished_at IS NULL ORDER BY id FOR UPDATE
      )
      UPDATE callback_deliveries d SET status = 'FAILED', error = $2, finished_at = now(), leased_by = NULL,
        lease_until = NULL
      FROM locked WHERE d.id = locked.id`;
    await this.database.query({ name: 'delivery_refuse', text }, [ids, error]);
  }

  /**
   * Owes a delivery anew, with its whole schedule before it. One that is on its way, or has not begun, is left as it is.
   * @returns False when the request owes no callback.
   */
  async redeliver(requestId: string): Promise<boolean> {
    const text = `WITH owed AS (SELECT id FROM callback_deliveries WHERE request_id = $1), again AS (
        UPDATE callback_deliveries d SET status = 'PENDING', schedule_start = d.attempts, next_attempt_at = now(),
          finished_at = NULL, error = NULL, redelivery_id = NULL
        FROM owed WHERE d.id = owed.id AND (d.attempts > 0 OR d.status = 'FAILED') AND d.leased_by IS NULL
      )
      SELECT id FROM owed`;
    return (await this.database.query({ name: 'delivery_again', text }, [requestId])).length > 0;
  }

  /** Newest first. */
  async list(filter: DeliveryFilter): Promise<DeliveryRow[]> {
    const values: unknown[] = [];
    const conditions = selectionConditions(filter, values);
    if (filter.beforeId) conditions.push(`d.id < $${values.push(filter.beforeId)}`);
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const text = `SELECT d.id, d.request_id, d.url, d.destination, d.lane, d.queue_position, d.status, d.attempts,
        d.error, d.next_attempt_at, d.created_at, d.finished_at
      FROM callback_deliveries d ${where} ORDER BY d.id DESC LIMIT $${values.push(filter.limit)}`;
    return this.database.query<DeliveryRow>({ name: '', text }, values);
  }
}
