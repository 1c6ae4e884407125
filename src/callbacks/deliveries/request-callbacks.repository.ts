import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import type { Query } from '../../platform/database/database.js';
import { type CallbackState, RequestCallbacks } from '../../requests/request-callbacks.js';
import { CallbackDelivery, type DeliveryStatus } from './callback-delivery.entity.js';
import { CallbackLog } from './callback-log.entity.js';
import { type DeliveryProgress, callbackState } from './callback-state.js';

/** Of requests with a pending callback, with the breaker that is not closed. */
const STATES = `
  SELECT d.request_id AS "requestId", d.destination, d.status, d.attempts, d.error, d.next_attempt_at AS "nextAttemptAt",
    c.state, c.failures, c.opened_at AS "openedAt", c.open_until AS "openUntil"
  FROM callback_deliveries d
  LEFT JOIN callback_destinations c ON d.status = 'PENDING' AND c.state <> 'closed'
    AND c.account_id = d.account_id AND c.destination = d.destination
  WHERE d.request_id = ANY ($1::uuid[])`;

type StateRow = DeliveryProgress & { requestId: string };

interface DeliveryState {
  requestId: string;
  status: DeliveryStatus;
}

// Without a condition on the status: deliveries are found by request id, whatever the planner knows of the table.
const FIND = `SELECT request_id AS "requestId", status FROM callback_deliveries WHERE request_id = ANY ($1::uuid[])`;

// A row that was changed while this waited for its lock is returned as it is after the change.
const LOCK = `${FIND} ORDER BY id FOR UPDATE`;

const REMOVE = `WITH logs AS (DELETE FROM callback_logs WHERE request_id = ANY ($1::uuid[]))
  DELETE FROM callback_deliveries WHERE request_id = ANY ($1::uuid[])`;

/** The request log's port to deliveries and their attempts. */
@Injectable()
export class RequestCallbacksRepository extends RequestCallbacks {
  constructor(
    @InjectRepository(CallbackDelivery) private readonly deliveries: Repository<CallbackDelivery>,
    @InjectRepository(CallbackLog) private readonly logs: Repository<CallbackLog>,
  ) {
    super();
  }

  async states(requestIds: string[]): Promise<Map<string, CallbackState>> {
    const rows = await this.deliveries.query<StateRow[]>(STATES, [requestIds]);
    return new Map(rows.map((row) => [row.requestId, callbackState(row)]));
  }

  async newestAttempts(requestId: string, limit: number): Promise<CallbackLog[]> {
    const newest = await this.logs.find({ where: { requestId }, order: { attemptNumber: 'DESC' }, take: limit });
    return newest.toReversed();
  }

  async countAttempts(requestId: string): Promise<number> {
    return this.logs.countBy({ requestId });
  }

  async findDue(requestIds: string[], query: Query): Promise<Set<string>> {
    return due(await query<DeliveryState>({ name: 'request_find_deliveries', text: FIND }, [requestIds]));
  }

  async lock(requestIds: string[], query: Query): Promise<Set<string>> {
    return due(await query<DeliveryState>({ name: 'request_lock_deliveries', text: LOCK }, [requestIds]));
  }

  async remove(requestIds: string[], query: Query): Promise<void> {
    await query({ name: 'request_remove_deliveries', text: REMOVE }, [requestIds]);
  }
}

function due(deliveries: DeliveryState[]): Set<string> {
  return new Set(deliveries.flatMap(({ requestId, status }) => (status === 'PENDING' ? requestId : [])));
}
