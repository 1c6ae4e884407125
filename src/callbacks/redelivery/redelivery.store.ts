import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Database, type Query } from '../../platform/database/database.js';
import { type DeliverySelection, selectionConditions } from '../deliveries/delivery-selection.js';
import type { CallbackRedelivery } from './callback-redelivery.entity.js';
import { notPaused } from '../../queue/pauses/not-paused.store.js';
import { type Candidate, type Paced, pacedPage } from './redelivery-pace.js';
import { requestFilter } from '../../requests/requests.schema.js';
import { searchWithin } from '../../requests/search/request-search.js';
import { selectionOf as requestSelectionOf } from '../../requests/search/request-selection.js';
import { OPEN_INSTALLATION } from '../../platform/tenant.js';

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
  'id' | 'accountId' | 'callbackStatus' | 'destination' | 'requests' | 'since' | 'until' | 'lastId'
>;

/** The next deliveries of a job. */
interface Page {
  candidates: (Candidate & { position: string })[];
  /** The `last_id` after all of them; null if there are none. */
  endsAt: string | null;
  isLast: boolean;
}

/** The accounts take turns, and so do the jobs of an account. A pause stops them: otherwise all their callbacks would be due at its end. */
const TAKE_JOB = `
  SELECT j.id, j.account_id AS "accountId", j.callback_status AS "callbackStatus", j.destination, j.requests,
    j.since, j.until, j.last_id AS "lastId"
  FROM callback_redeliveries j JOIN (
    SELECT coalesce(account_id, '${OPEN_INSTALLATION}') AS account, max(advanced_at) AS served_at
    FROM callback_redeliveries WHERE status = 'RUNNING' GROUP BY account
  ) s ON s.account = coalesce(j.account_id, '${OPEN_INSTALLATION}')
  WHERE j.status = 'RUNNING' AND j.due_at <= clock_timestamp() AND (SELECT count(*) FROM (
    SELECT FROM callback_deliveries d WHERE d.redelivery_id = j.id AND d.status = 'PENDING'
      AND d.attempts = d.schedule_start LIMIT ${MAX_WAITING}) waiting) <= ${MAX_WAITING - PAGE}
    AND ${notPaused('callbacks')}
  ORDER BY s.served_at, j.advanced_at LIMIT 1 FOR UPDATE OF j SKIP LOCKED`;

/** By request, which the request log has found. */
const FIND_ENDED = `SELECT id, destination, request_id AS position FROM callback_deliveries
  WHERE request_id = ANY ($1::uuid[]) AND status IN ('SUCCESS', 'FAILED') ORDER BY request_id`;

const MOVE_JOB = `
  UPDATE callback_redeliveries SET redelivered = redelivered + $2, last_id = coalesce($3, last_id),
    advanced_at = clock_timestamp(), due_at = clock_timestamp() + $5 * interval '1 millisecond', status = CASE WHEN $4 THEN 'COMPLETED' ELSE status END,
    finished_at = CASE WHEN $4 THEN now() END
  WHERE id = $1`;

/** Locks the rates of destinations, in order. Those that are new allow a redelivery at once. */
const LOCK_PACES = `
  INSERT INTO callback_redelivery_paces AS p (account_id, destination, next_at)
  SELECT $1::uuid, destination, clock_timestamp() FROM unnest($2::text[]) AS t (destination) ORDER BY destination
  ON CONFLICT (account_id, destination) DO UPDATE SET next_at = p.next_at
  RETURNING p.destination, (1000 * extract(epoch FROM p.next_at - clock_timestamp()))::float8 AS "inMs"`;

const MOVE_PACES = `
  UPDATE callback_redelivery_paces p SET next_at = clock_timestamp() + t.in_ms * interval '1 millisecond'
  FROM unnest($2::text[], $3::float8[]) AS t (destination, in_ms)
  WHERE p.account_id = $1 AND p.destination = t.destination`;

const FORGET_PACES = `DELETE FROM callback_redelivery_paces WHERE next_at < now() - interval '10 seconds'`;

/** Makes deliveries due, each at its time, with a whole retry schedule. Deliveries locked by others are skipped. */
const SCHEDULE = `
  WITH locked AS (
    SELECT d.id, t.in_ms FROM callback_deliveries d JOIN unnest($2::uuid[], $3::float8[]) AS t (id, in_ms) ON t.id = d.id
    WHERE d.id = ANY ($2::uuid[]) AND d.status <> 'PENDING' ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
  )
  UPDATE callback_deliveries d SET status = 'PENDING', schedule_start = d.attempts,
    next_attempt_at = clock_timestamp() + locked.in_ms * interval '1 millisecond', finished_at = NULL, error = NULL,
    waiting_since = NULL, redelivery_id = $1
  FROM locked WHERE d.id = locked.id RETURNING d.id`;

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
  private readonly intervalMs: number;
  /** Two sweeps: the next one schedules more before these are sent. */
  private readonly horizonMs: number;

  constructor(
    private readonly database: Database,
    @Inject(CONFIG)
    { CALLBACK_REDELIVERY_RATE: rate, SWEEP_INTERVAL }: Pick<Config, 'CALLBACK_REDELIVERY_RATE' | 'SWEEP_INTERVAL'>,
  ) {
    this.intervalMs = rate === null ? 0 : rate.windowMs / rate.limit;
    this.horizonMs = 2 * SWEEP_INTERVAL;
  }

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
   * @returns False when no job can continue: none is running, callbacks are paused, other workers have locked them, their last pages still wait for
   *   their first attempts, or the rates of their destinations allow no more yet.
   */
  advance(): Promise<boolean> {
    return this.database.transaction(async (query) => {
      const [job] = await query<Job>({ name: 'redelivery_take', text: TAKE_JOB });
      if (!job) return false;
      const page = await this.pageOf(query, job);
      const { scheduled, blockedInMs } = await this.pace(query, job, page.candidates);
      const inMs = scheduled.map((one) => one.inMs);
      const ids = scheduled.map(({ id }) => id);
      const redelivered = await query({ name: 'redelivery_schedule', text: SCHEDULE }, [job.id, ids, inMs]);
      const isDone = blockedInMs === null && page.isLast;
      const lastId = blockedInMs === null ? page.endsAt : page.candidates[scheduled.length - 1]?.position;
      // Not at the next free moment, which would schedule one at a time.
      const dueInMs = blockedInMs === null ? 0 : blockedInMs - this.horizonMs / 2;
      const values = [job.id, redelivered.length, lastId ?? null, isDone, dueInMs];
      await query({ name: 'redelivery_move', text: MOVE_JOB }, values);
      return true;
    });
  }

  /** Deletes the rates that allow a redelivery at once. */
  async forgetPaces(): Promise<void> {
    await this.database.query({ name: 'redelivery_forget_paces', text: FORGET_PACES });
  }

  /** The next deliveries of a job, at most {@link PAGE}. */
  private async pageOf(query: Query, job: Job): Promise<Page> {
    if (job.requests !== null) return this.pageOfRequests(query, job);
    const values: unknown[] = [job.lastId];
    const text = `SELECT d.id, d.destination, d.id AS position FROM callback_deliveries d
      WHERE d.id > $1 AND ${conditionsOf(selectionOf(job), values)} ORDER BY d.id LIMIT ${PAGE}`;
    const candidates = await query<Page['candidates'][number]>({ name: '', text }, values);
    return { candidates, endsAt: candidates.at(-1)?.id ?? null, isLast: candidates.length < PAGE };
  }

  /** Requests that were accepted after the job do not match. */
  private async pageOfRequests(query: Query, job: Job): Promise<Page> {
    const selection = requestSelectionOf(requestFilter.parse(job.requests), job.accountId);
    const range = { afterId: job.lastId, beforeId: job.id };
    const { ids, searchedTo } = await searchWithin(query).oldest({ ...selection, hasCallback: true }, range, PAGE);
    const candidates = await query<Page['candidates'][number]>({ name: 'redelivery_find_ended', text: FIND_ENDED }, [
      ids,
    ]);
    return { candidates, endsAt: searchedTo ?? ids.at(-1) ?? null, isLast: searchedTo === null };
  }

  /** Decides when each delivery of a page becomes due, and moves the rates of their destinations on. */
  private async pace(query: Query, job: Job, page: readonly Candidate[]): Promise<Paced> {
    if (this.intervalMs === 0) return pacedPage(page, new Map(), 0, 0);
    const account = job.accountId ?? OPEN_INSTALLATION;
    const destinations = [...new Set(page.map(({ destination }) => destination))];
    const rows = await query<{ destination: string; inMs: number }>(
      { name: 'redelivery_lock_paces', text: LOCK_PACES },
      [account, destinations],
    );
    const nextInMs = new Map(rows.map(({ destination, inMs }) => [destination, inMs]));
    const paced = pacedPage(page, nextInMs, this.intervalMs, this.horizonMs);
    const moved = [account, [...paced.nextInMs.keys()], [...paced.nextInMs.values()]];
    await query({ name: 'redelivery_move_paces', text: MOVE_PACES }, moved);
    return paced;
  }
}
