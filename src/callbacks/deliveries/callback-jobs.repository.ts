import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { type StateRows, commonRows, countsText, pageText, statusRows } from '../../platform/database/bounded-rows.js';
import type { JobCounts, JobState } from '../../queue/jobs/queue-jobs.js';
import { CallbackDelivery, type DeliveryStatus } from './callback-delivery.entity.js';

/** A delivery, and whether an attempt of it is in flight. Its URL is left out: the path and query often carry a token. */
export interface CallbackJobRow {
  id: string;
  requestId: string;
  accountId: string;
  destination: string;
  lane: string;
  queuePosition: number;
  status: DeliveryStatus;
  attempts: number;
  error: string | null;
  nextAttemptAt: Date;
  leasedBy: string | null;
  createdAt: Date;
  finishedAt: Date | null;
  isActive: boolean;
}

/** Attempts in flight: those that leased queues have started and not recorded, and leased retries. */
const ACTIVE = `
  SELECT d.id FROM callback_queues q CROSS JOIN LATERAL unnest(q.started, q.started_numbers) AS s (id, number)
    JOIN callback_deliveries d ON d.id = s.id
  WHERE d.status = 'PENDING' AND d.attempts + d.unknown + 1 = s.number
  UNION SELECT id FROM callback_deliveries WHERE leased_by IS NOT NULL`;

const NOT_ACTIVE = `r.id <> ALL (ARRAY(${ACTIVE}))`;

const STATES: Record<JobState, StateRows> = {
  // In the order in which they are sent, which has an index.
  waiting: {
    rows: `SELECT id FROM callback_deliveries WHERE status = 'PENDING' AND attempts = 0
      ORDER BY account_id, destination, lane, queue_position`,
    filter: NOT_ACTIVE,
  },
  active: { rows: `SELECT id FROM (${ACTIVE}) a ORDER BY id DESC` },
  delayed: {
    rows: `SELECT id FROM callback_deliveries WHERE status = 'PENDING' AND attempts > 0
      ORDER BY account_id, destination, next_attempt_at`,
    filter: NOT_ACTIVE,
  },
  completed: commonRows('callback_deliveries', { common: 'SUCCESS', pending: 'PENDING' }),
  failed: statusRows('callback_deliveries', ['FAILED']),
};

const COUNTS = countsText(STATES);

const READ = `SELECT id, request_id AS "requestId", account_id AS "accountId", destination, lane,
    queue_position AS "queuePosition", status, attempts, error, next_attempt_at AS "nextAttemptAt",
    leased_by AS "leasedBy", created_at AS "createdAt", finished_at AS "finishedAt",
    status = 'PENDING' AND id = ANY (ARRAY(${ACTIVE})) AS "isActive"
  FROM callback_deliveries WHERE id = ANY ($1::uuid[])`;

/** Deliveries by the state of their job. Hand-written, because each statement is bounded by the index that it reads. */
@Injectable()
export class CallbackJobsRepository {
  constructor(@InjectRepository(CallbackDelivery) private readonly deliveries: Repository<CallbackDelivery>) {}

  async counts(): Promise<JobCounts> {
    const [row] = await this.deliveries.query<JobCounts[]>(COUNTS);
    return row!;
  }

  /** @returns The ids of a page: newest first, but those that wait in the order in which they are sent. */
  async ids(state: JobState, offset: number, limit: number): Promise<string[]> {
    const rows = await this.deliveries.query<{ id: string }[]>(pageText(STATES[state]), [limit, offset]);
    return rows.map(({ id }) => id);
  }

  /** @returns Those deliveries that exist, in any order. */
  read(ids: readonly string[]): Promise<CallbackJobRow[]> {
    return this.deliveries.query<CallbackJobRow[]>(READ, [ids]);
  }
}
