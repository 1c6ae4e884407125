import { Injectable } from '@nestjs/common';
import type { AccountId } from '../../platform/tenant.js';
import { Database, type Query } from '../../platform/database/database.js';
import { type DeliverySelection, selectionConditions } from '../deliveries/delivery-selection.js';

/** Which callbacks are to be sent again. Never those that are pending: they are being sent already. */
export interface RedeliverySelection extends DeliverySelection {
  status?: 'SUCCESS' | 'FAILED';
}

export interface RedeliveryRow {
  id: string;
  account_id: AccountId;
  status: 'RUNNING' | 'COMPLETED' | 'CANCELLED';
  callback_status: 'SUCCESS' | 'FAILED' | null;
  destination: string | null;
  since: Date | null;
  until: Date;
  matched: number;
  redelivered: number;
  created_at: Date;
  finished_at: Date | null;
}

/** Deliveries that are put back together. */
const PAGE = 200;
/** Deliveries of one job that may wait for their first attempt: beyond it the line of what is owed anew would suffer. */
const ROOM = 1_000;

const ROW = `j.id, j.account_id, j.status, j.callback_status, j.destination, j.since, j.until, j.matched, j.redelivered,
  j.created_at, j.finished_at`;

/** The conditions of a job. Without a status both ends are meant. */
function conditionsOf(selection: RedeliverySelection, values: unknown[]): string {
  const ended = selection.status === undefined ? [`d.status IN ('SUCCESS', 'FAILED')`] : [];
  return [...ended, ...selectionConditions(selection, values)].join(' AND ');
}

function selectionOf({ account_id, callback_status, destination, since, until }: RedeliveryRow): RedeliverySelection {
  return {
    account: account_id,
    status: callback_status ?? undefined,
    destination: destination ?? undefined,
    since: since ?? undefined,
    until,
  };
}

/** All SQL of the jobs that send callbacks again. */
@Injectable()
export class RedeliveryStore {
  constructor(private readonly database: Database) {}

  /** The database's time: jobs and what they match are compared by it. */
  async now(): Promise<Date> {
    const text = `SELECT clock_timestamp()::timestamptz(3) AS now`;
    return (await this.database.query<{ now: Date }>({ name: 'redelivery_now', text }))[0]!.now;
  }

  /** How many deliveries match, counted up to a limit. */
  async count(selection: RedeliverySelection, limit: number): Promise<number> {
    const values: unknown[] = [];
    const where = conditionsOf(selection, values);
    // Ordered, so that it goes by the same index as the pages will.
    const text = `SELECT count(*) AS count FROM (
        SELECT FROM callback_deliveries d WHERE ${where} ORDER BY d.id LIMIT $${values.push(limit)}) AS matched`;
    return (await this.database.query<{ count: number }>({ name: '', text }, values))[0]!.count;
  }

  /** Adds a job, unless so many are running. */
  async add(
    id: string,
    { account, status, destination, since, until }: RedeliverySelection & { until: Date },
    matched: number,
    mostRunning: number,
  ): Promise<RedeliveryRow | null> {
    const text = `INSERT INTO callback_redeliveries AS j (id, account_id, callback_status, destination, since, until, matched)
      SELECT $1::uuid, $2::uuid, $3::text, $4::text, $5::timestamptz, $6::timestamptz, $7::integer
      WHERE (SELECT count(*) FROM callback_redeliveries WHERE status = 'RUNNING') < $8
      RETURNING ${ROW}`;
    const values = [id, account, status ?? null, destination ?? null, since ?? null, until, matched, mostRunning];
    return (await this.database.query<RedeliveryRow>({ name: 'redelivery_add', text }, values))[0] ?? null;
  }

  async find(id: string): Promise<RedeliveryRow | null> {
    const text = `SELECT ${ROW} FROM callback_redeliveries j WHERE j.id = $1`;
    return (await this.database.query<RedeliveryRow>({ name: 'redelivery_find', text }, [id]))[0] ?? null;
  }

  /** Newest first. */
  async list(account: AccountId, beforeId: string | null, limit: number): Promise<RedeliveryRow[]> {
    const text = `SELECT ${ROW} FROM callback_redeliveries j
      WHERE ($1::uuid IS NULL OR j.account_id = $1) AND ($2::uuid IS NULL OR j.id < $2) ORDER BY j.id DESC LIMIT $3`;
    return this.database.query<RedeliveryRow>({ name: 'redelivery_list', text }, [account, beforeId, limit]);
  }

  /** Ends a job before its end; what it has put back stays. Waits for a page in hand. Null when it has ended already. */
  async cancel(id: string): Promise<RedeliveryRow | null> {
    const text = `UPDATE callback_redeliveries j SET status = 'CANCELLED', finished_at = now()
      WHERE j.id = $1 AND j.status = 'RUNNING' RETURNING ${ROW}`;
    return (await this.database.query<RedeliveryRow>({ name: 'redelivery_cancel', text }, [id]))[0] ?? null;
  }

  /**
   * Puts back one page of the job whose turn it is. The lock on the job is its lease, and the page and how far the job has
   * come are one transaction: a process that dies leaves both as they were, and whoever is next goes on from there.
   * @returns False when no job can go on now: none is running, others have them in hand, or what they put back last is
   *   still waiting to be sent.
   */
  async advance(): Promise<boolean> {
    return this.database.transaction(async (query) => {
      const text = `SELECT ${ROW}, j.last_id FROM callback_redeliveries j
        WHERE j.status = 'RUNNING' AND (SELECT count(*) FROM (
          SELECT FROM callback_deliveries d WHERE d.redelivery_id = j.id AND d.status = 'PENDING'
            AND d.attempts = d.schedule_start LIMIT ${ROOM}) waiting) <= ${ROOM - PAGE}
        ORDER BY j.advanced_at LIMIT 1 FOR UPDATE OF j SKIP LOCKED`;
      const [job] = await query<RedeliveryRow & { last_id: string }>({ name: 'redelivery_take', text });
      if (!job) return false;
      const page = await this.putBack(query, job);
      const move = `UPDATE callback_redeliveries SET redelivered = redelivered + $2, last_id = coalesce($3, last_id),
          advanced_at = clock_timestamp(), status = CASE WHEN $4 THEN 'COMPLETED' ELSE status END,
          finished_at = CASE WHEN $4 THEN now() END
        WHERE id = $1`;
      const values = [job.id, page.redelivered, page.lastId, page.size < PAGE];
      await query({ name: 'redelivery_move', text: move }, values);
      return true;
    });
  }

  /** Owes the next ones anew, each with its whole schedule before it. What somebody else has in hand is left out. */
  private async putBack(
    query: Query,
    job: RedeliveryRow & { last_id: string },
  ): Promise<{ size: number; redelivered: number; lastId: string | null }> {
    const values: unknown[] = [job.id, job.last_id];
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
    const [page] = await query<{ size: number; redelivered: number; lastId: string | null }>(
      { name: '', text },
      values,
    );
    return page!;
  }
}
