import { Injectable } from '@nestjs/common';
import { Database, type Query } from '../../platform/database/database.js';
import { type DeliverySelection, selectionConditions } from '../deliveries/delivery-selection.js';
import type { CallbackRedelivery } from './callback-redelivery.entity.js';

/** The callbacks to send again. Pending ones are never selected: they are being sent already. */
export interface RedeliverySelection extends DeliverySelection {
  status?: 'SUCCESS' | 'FAILED';
}

/** Deliveries that become due together. */
const PAGE = 200;
/** Limit of deliveries of one job that wait for their first attempt. More would delay the callbacks of new reports. */
const MAX_WAITING = 1_000;

type Job = Pick<
  CallbackRedelivery,
  'id' | 'accountId' | 'callbackStatus' | 'destination' | 'since' | 'until' | 'lastId'
>;

interface Page {
  size: number;
  redelivered: number;
  lastId: string | null;
}

const TAKE_JOB = `
  SELECT j.id, j.account_id AS "accountId", j.callback_status AS "callbackStatus", j.destination, j.since, j.until,
    j.last_id AS "lastId"
  FROM callback_redeliveries j
  WHERE j.status = 'RUNNING' AND (SELECT count(*) FROM (
    SELECT FROM callback_deliveries d WHERE d.redelivery_id = j.id AND d.status = 'PENDING'
      AND d.attempts = d.schedule_start LIMIT ${MAX_WAITING}) waiting) <= ${MAX_WAITING - PAGE}
  ORDER BY j.advanced_at LIMIT 1 FOR UPDATE OF j SKIP LOCKED`;

const MOVE_JOB = `
  UPDATE callback_redeliveries SET redelivered = redelivered + $2, last_id = coalesce($3, last_id),
    advanced_at = clock_timestamp(), status = CASE WHEN $4 THEN 'COMPLETED' ELSE status END,
    finished_at = CASE WHEN $4 THEN now() END
  WHERE id = $1`;

/** Conditions on `callback_deliveries d`. Without a status, both ended ones match. */
function conditionsOf(selection: RedeliverySelection, values: unknown[]): string {
  const ended = selection.status === undefined ? [`d.status IN ('SUCCESS', 'FAILED')`] : [];
  return [...ended, ...selectionConditions(selection, values)].join(' AND ');
}

function selectionOf({ accountId, callbackStatus, destination, since, until }: Job): RedeliverySelection {
  return {
    account: accountId,
    status: callbackStatus ?? undefined,
    destination: destination ?? undefined,
    since: since ?? undefined,
    until,
  };
}

/**
 * Carries out redelivery jobs. Hand-written SQL, because a page of deliveries and the progress of its job are locked, moved
 * and counted in one transaction with `SKIP LOCKED`, and because its conditions must match the indexes of deliveries.
 */
@Injectable()
export class RedeliveryStore {
  constructor(private readonly database: Database) {}

  /** @returns The time of the database, which also dates the deliveries. */
  async now(): Promise<Date> {
    const text = `SELECT clock_timestamp()::timestamptz(3) AS now`;
    return (await this.database.query<{ now: Date }>({ name: 'redelivery_now', text }))[0]!.now;
  }

  /** @returns The number of matching deliveries, counted up to a limit. */
  async count(selection: RedeliverySelection, limit: number): Promise<number> {
    const values: unknown[] = [];
    const where = conditionsOf(selection, values);
    // Ordered, so that it uses the same index as the pages of the job.
    const text = `SELECT count(*) AS count FROM (
        SELECT FROM callback_deliveries d WHERE ${where} ORDER BY d.id LIMIT $${values.push(limit)}) AS matched`;
    return (await this.database.query<{ count: number }>({ name: '', text }, values))[0]!.count;
  }

  /**
   * Makes one page of deliveries due, for the running job that has waited longest. The row lock on the job is its lease. The
   * page and the progress of the job are one transaction, so a crash leaves both unchanged and another worker continues.
   * @returns False when no job can continue: none is running, other workers have locked them, or their last pages still
   *   wait for their first attempts.
   */
  advance(): Promise<boolean> {
    return this.database.transaction(async (query) => {
      const [job] = await query<Job>({ name: 'redelivery_take', text: TAKE_JOB });
      if (!job) return false;
      const page = await this.redeliverPage(query, job);
      const values = [job.id, page.redelivered, page.lastId, page.size < PAGE];
      await query({ name: 'redelivery_move', text: MOVE_JOB }, values);
      return true;
    });
  }

  /** Makes the next deliveries due with a whole retry schedule. Deliveries locked by others are skipped. */
  private async redeliverPage(query: Query, job: Job): Promise<Page> {
    const values: unknown[] = [job.id, job.lastId];
    const text = `WITH page AS (
        SELECT d.id FROM callback_deliveries d WHERE d.id > $2 AND ${conditionsOf(selectionOf(job), values)}
        ORDER BY d.id LIMIT ${PAGE}
      ), locked AS (
        SELECT d.id FROM callback_deliveries d
        WHERE d.id IN (SELECT id FROM page) AND d.status <> 'PENDING' ORDER BY d.id FOR UPDATE SKIP LOCKED
      ), again AS (
        UPDATE callback_deliveries d SET status = 'PENDING', schedule_start = d.attempts, next_attempt_at = now(),
          finished_at = NULL, error = NULL, redelivery_id = $1
        FROM locked WHERE d.id = locked.id RETURNING d.id
      )
      SELECT (SELECT count(*) FROM page) AS size, (SELECT count(*) FROM again) AS redelivered,
        (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS "lastId"`;
    const [page] = await query<Page>({ name: '', text }, values);
    return page!;
  }
}
