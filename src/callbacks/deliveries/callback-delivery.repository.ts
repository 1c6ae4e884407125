import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { type AccountId, storedAccount } from '../../platform/tenant.js';
import { CallbackDelivery, type DeliveryStatus } from './callback-delivery.entity.js';
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
  status: DeliveryStatus;
  attempts: number;
  error: string | null;
  next_attempt_at: Date;
  created_at: Date;
  finished_at: Date | null;
}

// Locks by id, as every statement that moves deliveries does.
const REFUSE = `
  WITH locked AS (
    SELECT id FROM callback_deliveries WHERE id = ANY ($1::uuid[]) AND finished_at IS NULL ORDER BY id FOR UPDATE
  )
  UPDATE callback_deliveries d SET status = 'FAILED', error = $2, finished_at = now(), leased_by = NULL,
    lease_until = NULL
  FROM locked WHERE d.id = locked.id`;

// It takes the next place in the rate of the account to the destination, which redelivery jobs use too.
const REDELIVER = `
  WITH found AS (
    SELECT id, destination, (attempts > 0 OR status = 'FAILED') AND leased_by IS NULL AS may_be_sent
    FROM callback_deliveries WHERE request_id = $1
  ), pace AS (
    INSERT INTO callback_redelivery_paces AS p (account_id, destination, next_at)
    SELECT $2::uuid, destination, clock_timestamp() + $3 * interval '1 millisecond' FROM found
    WHERE may_be_sent AND $3::float8 > 0
    ON CONFLICT (account_id, destination) DO UPDATE
      SET next_at = greatest(p.next_at, clock_timestamp()) + $3 * interval '1 millisecond'
    RETURNING p.next_at - $3 * interval '1 millisecond' AS at
  ), scheduled AS (
    UPDATE callback_deliveries d SET status = 'PENDING', schedule_start = d.attempts,
      next_attempt_at = coalesce((SELECT at FROM pace), now()), finished_at = NULL, error = NULL, waiting_since = NULL, redelivery_id = NULL
    FROM found WHERE d.id = found.id AND (d.attempts > 0 OR d.status = 'FAILED') AND d.leased_by IS NULL
  )
  SELECT id FROM found`;

/** Deliveries as operators see and change them, and those that end without an attempt. */
@Injectable()
export class CallbackDeliveryRepository {
  constructor(@InjectRepository(CallbackDelivery) private readonly deliveries: Repository<CallbackDelivery>) {}

  /** Fails pending deliveries without an attempt. They can be redelivered. */
  async refuse(ids: string[], error: string): Promise<void> {
    await this.deliveries.query(REFUSE, [ids, error]);
  }

  /**
   * Schedules the delivery of a request again, with its whole retry schedule. One that is being sent, or has not been
   * attempted yet, is left unchanged.
   * @param intervalMs Time between two redeliveries of the account to the destination; 0 for no limit.
   * @returns False if the request has no delivery.
   */
  async redeliver(requestId: string, account: AccountId, intervalMs: number): Promise<boolean> {
    const values = [requestId, storedAccount(account), intervalMs];
    return (await this.deliveries.query<{ id: string }[]>(REDELIVER, values)).length > 0;
  }

  /** @returns Up to `limit` deliveries that match, newest first. */
  async list(filter: DeliveryFilter): Promise<DeliveryRow[]> {
    const values: unknown[] = [];
    const conditions = selectionConditions(filter, values);
    if (filter.beforeId) conditions.push(`d.id < $${values.push(filter.beforeId)}`);
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const text = `SELECT d.id, d.request_id, d.url, d.destination, d.lane, d.queue_position, d.status, d.attempts,
        d.error, d.next_attempt_at, d.created_at, d.finished_at
      FROM callback_deliveries d ${where} ORDER BY d.id DESC LIMIT $${values.push(filter.limit)}`;
    return this.deliveries.query<DeliveryRow[]>(text, values);
  }
}
