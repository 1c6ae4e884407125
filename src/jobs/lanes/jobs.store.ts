import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { WORKER_ID } from '../../platform/concurrency/worker-id.js';
import { fromJsonColumn, jsonColumn } from '../../platform/database/json-column.js';
import { statement } from '../../platform/database/named-parameters.js';
import type { Completion, Job } from '../job.js';
import { CRASHED_WORKERS, DELIVERY_INSERT, JOB, LOST_WORKER, UNBEGIN } from '../sql-fragments.store.js';

/** A lane that this process holds, and the fencing epoch under which it may write. */
export interface LaneLease {
  name: string;
  epoch: number;
  /** By the database's clock; not before the lane's last completion. */
  startedAt: Date;
  /** Who held it before, if that process fell silent instead of giving it back. */
  lostBy: string | null;
  /** Up to this position a request is made alone, and is on record as begun before it is made. */
  isolateUntil: number;
}

export interface CompletedBatch {
  completions: Completion[];
  /** The request that is being made by now. */
  begun: { id: string; startedAt: Date } | null;
  /** Give the lane back in the same transaction. */
  release: boolean;
  /** Seconds of work that the batch took, for the lane's drain rate. */
  busyS: number;
}

/** How many requests a holder may have made, or be making, behind the one that is on record as begun. */
export const MOST_AHEAD = 384;

/** WorkerLoop rates are smoothed over about so many seconds of work. */
const RATE_WINDOW_S = 30;

/** Lanes that a worker waits for and finds taken before it leaves the rest to the others. */
const MOST_WAITS = 10;

/** A lane that has work and that no worker has leased. */
const IS_FREE = 'pending > 0 AND NOT paused AND (lease_until IS NULL OR lease_until < clock_timestamp())';

/**
 * When a lane last had its turn; a priority counts as seconds of waiting. This is the expression of the index
 * `lanes_waiting`: a claim reads one lane and not all that wait.
 */
const TURN = `(served_at AT TIME ZONE 'UTC') - priority * interval '1 second'`;

/**
 * Leases the lane in `free` under the next fencing epoch. A worker that lost its lease may have crashed on any request
 * that it had generated ahead; all of these lie below `isolate_until`, because the head is at next_position - pending or
 * before it, whatever was cancelled in between.
 */
const LEASE_FREE = `
  UPDATE lanes l SET leased_by = :workerId, lease_until = clock_timestamp() + :leaseMs * interval '1 millisecond',
    lease_epoch = l.lease_epoch + 1, served_at = clock_timestamp(),
    isolate_until = CASE WHEN lost_worker IS NULL THEN l.isolate_until ELSE l.next_position - l.pending + ${MOST_AHEAD} END
  FROM free WHERE l.name = free.name
  RETURNING l.name, l.lease_epoch AS epoch, greatest(clock_timestamp(), l.last_completed_at) AS "startedAt",
    lost_worker AS "lostBy", l.isolate_until AS "isolateUntil"` as const;

/**
 * Leases the free lane that has waited longest. Skips locked rows, so that workers spread over the lanes. The requests are
 * read by a later statement: in this one's snapshot a commit of the previous worker might be missing.
 */
const LEASE_NEXT = statement(
  'lane_lease_next',
  `WITH free AS (
    SELECT name, ${LOST_WORKER} AS lost_worker FROM lanes WHERE ${IS_FREE} ORDER BY ${TURN} LIMIT 1
    FOR UPDATE SKIP LOCKED
  ) ${LEASE_FREE}`,
);

/** Leases one lane if it is free, and waits for its row lock. */
const LEASE_NAMED = statement(
  'lane_lease_named',
  `WITH free AS (
    SELECT name, ${LOST_WORKER} AS lost_worker FROM lanes WHERE name = :lane AND ${IS_FREE} FOR UPDATE
  ) ${LEASE_FREE}`,
);

const FIND_NEXT = statement('lane_find_next', `SELECT name FROM lanes WHERE ${IS_FREE} ORDER BY ${TURN} LIMIT 1`);

/**
 * Reads the head of a leased lane and marks its first request as begun, unless that was cancelled after it was read. If a
 * lost worker had begun it, this adds to its crash count; only the first request of a lane is ever begun. The lane's row
 * is not locked: a cancellation locks it after its request, and the two would deadlock.
 */
const BEGIN = statement(
  'lane_begin',
  `WITH held AS (
    SELECT name, :lostBy::text AS lost_worker FROM lanes WHERE name = :lane AND lease_epoch = :epoch
  ), head AS (
    SELECT r.id, r.mode, r.report, r.format, r.input_payload, r.callback_url, r.queue_position,
      ${CRASHED_WORKERS} AS crashed_workers
    FROM requests r, held WHERE r.lane = held.name AND r.status IN ('PENDING', 'PROCESSING')
    ORDER BY r.queue_position LIMIT :limit
  ), begun AS (
    UPDATE requests r SET status = 'PROCESSING', started_at = :startedAt, crashed_workers = first.crashed_workers
    FROM (SELECT id, crashed_workers FROM head ORDER BY queue_position LIMIT 1) first
    WHERE r.id = first.id AND r.status IN ('PENDING', 'PROCESSING')
  )
  SELECT ${JOB}, 0 AS "leaseEpoch" FROM head r ORDER BY queue_position`,
);

const READ_AFTER = statement(
  'lane_read_after',
  `SELECT ${JOB}, 0 AS "leaseEpoch" FROM requests r
  WHERE r.lane = :lane AND r.queue_position > :position AND r.status IN ('PENDING', 'PROCESSING')
  ORDER BY r.queue_position LIMIT :limit`,
);

/**
 * Finishes requests of a leased lane, inserts their callback deliveries and begins the next request.
 *
 * Requests are found by id and unfinished ones by `completed_at`: by lane or status the planner may choose the index of
 * unfinished requests, and every batch would read the whole backlog. `i.id IS NULL` never holds; it keeps the condition
 * in the join, where the planner does not estimate a single row.
 *
 * The statement may be repeated after a connection broke behind its commit. The second `SELECT` then returns what the first
 * run finished: the files of those requests are in use.
 */
const FINISH = statement(
  'lane_finish',
  `WITH item AS (
    SELECT * FROM unnest(:ids::uuid[], ${fromJsonColumn(':results')}, :fileKeys::text[], :errors::text[],
                         :startTimes::timestamptz[], :endTimes::timestamptz[], :deliveryIds::uuid[], :destinations::text[])
      AS t (id, result, file_key, error, started_at, completed_at, delivery_id, destination)
  ), finished AS (
    UPDATE requests r SET status = CASE WHEN i.error IS NULL THEN 'COMPLETED' ELSE 'FAILED' END,
      result_payload = i.result::json, file_key = i.file_key, error = i.error,
      started_at = i.started_at, completed_at = i.completed_at
    FROM item i WHERE r.id = ANY (:ids::uuid[]) AND r.id = i.id AND (r.completed_at IS NULL OR i.id IS NULL)
    RETURNING r.id, r.callback_url, r.lane, r.queue_position, i.delivery_id, i.destination
  ), delivered AS (${DELIVERY_INSERT}
  ), passed AS (
    DELETE FROM cancelled_positions
    WHERE lane = :lane AND queue_position < (SELECT max(queue_position) FROM finished)
  ), begun AS (
    UPDATE requests r SET status = 'PROCESSING', started_at = :begunAt WHERE r.id = :begunId AND r.status = 'PENDING'
  ), unbegun AS (${UNBEGIN} AND :release
  )
  SELECT id, true AS "isNew" FROM finished
  UNION ALL
  SELECT r.id, false FROM requests r JOIN item i ON i.id = r.id
  WHERE r.id = ANY (:ids::uuid[]) AND r.status IN ('COMPLETED', 'FAILED') AND r.file_key = i.file_key`,
);

/** A lane without unfinished requests has passed every position. Follows an update of the lane named `counted`. */
const PASSED_ALL = 'DELETE FROM cancelled_positions WHERE lane = :lane AND (SELECT pending FROM counted) = 0';

/** Counts finished requests, and renews or ends the lease. Returns no row when the lease is lost. */
const COUNT = statement(
  'lane_count',
  `WITH counted AS (
    UPDATE lanes SET pending = pending - :count, last_completed_at = greatest(last_completed_at, :lastEnd::timestamptz),
      throughput_per_s = throughput_per_s
        + (CASE WHEN throughput_per_s = 0 THEN 1 ELSE 1 - exp(-:busyS::float8 / ${RATE_WINDOW_S}) END)
        * (:count / :busyS::float8 - throughput_per_s),
      leased_by = CASE WHEN :release THEN NULL ELSE leased_by END,
      lease_until = CASE WHEN :release THEN NULL ELSE clock_timestamp() + :leaseMs * interval '1 millisecond' END
    WHERE name = :lane AND lease_epoch = :epoch RETURNING name, pending
  ), passed AS (${PASSED_ALL})
  SELECT name FROM counted`,
);

const CANCEL = statement(
  'request_cancel',
  `WITH finished AS (
    UPDATE requests SET status = 'CANCELLED', completed_at = clock_timestamp() WHERE id = :id AND status = 'PENDING'
    RETURNING id, callback_url, lane, queue_position, :deliveryId::uuid AS delivery_id, :destination::text AS destination
  ), delivered AS (${DELIVERY_INSERT}
  ), skipped AS (
    INSERT INTO cancelled_positions (lane, queue_position) SELECT lane, queue_position FROM finished
  )
  SELECT lane FROM finished`,
);

const UNCOUNT = statement(
  'lane_uncount',
  `WITH counted AS (UPDATE lanes SET pending = pending - 1 WHERE name = :lane RETURNING pending) ${PASSED_ALL}`,
);

const UNBEGIN_HEAD = statement('lane_unbegin', UNBEGIN);

const RELEASE = statement(
  'lane_release',
  `UPDATE lanes SET leased_by = NULL, lease_until = clock_timestamp() + :pauseMs * interval '1 millisecond'
  WHERE name = :lane AND lease_epoch = :epoch RETURNING name`,
);

/**
 * Locks the lanes in the order of their names, as accepting does; else the two could deadlock. Excludes a lane that was
 * released while this statement was on its way: it would stay leased to no worker.
 */
const RENEW = statement(
  'lane_renew',
  `WITH held AS (
    SELECT l.name FROM lanes l JOIN unnest(:lanes::text[], :epochs::bigint[]) AS t (name, epoch)
      ON l.name = t.name AND l.lease_epoch = t.epoch AND l.leased_by IS NOT NULL
    ORDER BY l.name FOR UPDATE OF l
  )
  UPDATE lanes l SET lease_until = clock_timestamp() + :leaseMs * interval '1 millisecond'
  FROM held WHERE l.name = held.name RETURNING l.name, l.lease_epoch AS epoch`,
);

/** The SQL of the order: leases of lanes, and the requests that are generated under them. Order depends on each statement. */
@Injectable()
export class JobsStore {
  constructor(private readonly database: Database) {}

  /** Leases the free lane that has waited longest; returns null when no lane has work. */
  async leaseLane(leaseMs: number): Promise<LaneLease | null> {
    for (let times = 0; times < MOST_WAITS; times++) {
      const [lane]: LaneLease[] = await this.database.query(LEASE_NEXT, { workerId: WORKER_ID, leaseMs });
      if (lane) return lane;
      // Each accept locks its lane's row for a moment. Wait for that row: a busy lane is not an empty one. Wait for one
      // named lane only, because a statement that moves on to the next lane keeps its locks on those that it found taken.
      const [busy]: { name: string }[] = await this.database.query(FIND_NEXT);
      if (!busy) return null;
      const values = { workerId: WORKER_ID, leaseMs, lane: busy.name };
      const [waitedFor]: LaneLease[] = await this.database.query(LEASE_NAMED, values);
      if (waitedFor) return waitedFor;
    }
    return null;
  }

  /** Returns the first unfinished requests of a leased lane, in order, and marks the first as begun. Empty if the lease is lost. */
  begin({ name, epoch, startedAt, lostBy }: LaneLease, limit: number): Promise<Job[]> {
    return this.database.query(BEGIN, { lane: name, epoch, startedAt, lostBy, limit });
  }

  /** Returns the requests behind a position of a leased lane, in order. Takes no lock: under a lost lease nothing completes. */
  readAfter({ name }: LaneLease, position: number, limit: number): Promise<Job[]> {
    return this.database.query(READ_AFTER, { lane: name, position, limit });
  }

  /**
   * Completes requests of a leased lane. The lane's row comes last, against the usual order of locks: every accept waits
   * for it, and this way only for the commit. A worker that lost the lease finds that out there and rolls back.
   * @returns The ids of those that are finished now (others were cancelled meanwhile), or null when the lease is lost and
   *   nothing was written.
   */
  async complete(lane: LaneLease, batch: CompletedBatch, leaseMs: number): Promise<Set<string> | null> {
    const { completions, release } = batch;
    let finished: { id: string; isNew: boolean }[] = [];
    const isOurs = await this.database.transaction(async (query) => {
      finished = await query(FINISH, finishValues(lane, batch));
      const counted = await query(COUNT, {
        lane: lane.name,
        epoch: lane.epoch,
        count: finished.filter(({ isNew }) => isNew).length,
        lastEnd: completions.at(-1)?.completedAt ?? null,
        busyS: Math.max(batch.busyS, 0.001),
        release,
        leaseMs,
      });
      return counted.length === 1;
    });
    // Requests that an earlier try finished stay finished, even if another worker has the lane by now.
    const kept = isOurs ? finished : finished.filter(({ isNew }) => !isNew);
    return isOurs || kept.length > 0 ? new Set(kept.map(({ id }) => id)) : null;
  }

  /**
   * Cancels a pending request; its position stays, so no gap appears. The lane's row comes last, as in {@link complete}.
   * @returns False when it is not pending any more.
   */
  cancel(id: string, deliveryId: string, destination: string | null): Promise<boolean> {
    return this.database.transaction(async (query) => {
      const [row]: { lane: string }[] = await query(CANCEL, { id, deliveryId, destination });
      if (!row) return false;
      await query(UNCOUNT, row);
      return true;
    });
  }

  /**
   * Releases a lane, to be leased again after a pause; its begun request is pending again. The lane's row comes last, as in
   * {@link complete}; a worker that lost the lease changes nothing.
   */
  async release({ name, epoch }: LaneLease, pauseMs: number): Promise<void> {
    await this.database.transaction(async (query) => {
      await query(UNBEGIN_HEAD, { lane: name, ids: [] });
      return (await query(RELEASE, { lane: name, epoch, pauseMs })).length === 1;
    });
  }

  /** Renews leases; returns those that are still held. A lane that was lost and leased again is held by its newer lease only. */
  async renew(lanes: LaneLease[], leaseMs: number): Promise<LaneLease[]> {
    const [names, epochs] = [lanes.map(({ name }) => name), lanes.map(({ epoch }) => epoch)];
    const rows: Pick<LaneLease, 'name' | 'epoch'>[] = await this.database.query(RENEW, {
      lanes: names,
      epochs,
      leaseMs,
    });
    const held = new Map(rows.map(({ name, epoch }) => [name, epoch]));
    return lanes.filter(({ name, epoch }) => held.get(name) === epoch);
  }
}

function finishValues({ name: lane }: LaneLease, { completions, begun, release }: CompletedBatch) {
  const column = <T>(pick: (completion: Completion) => T): T[] => completions.map(pick);
  return {
    lane,
    ids: column(({ id }) => id),
    results: jsonColumn(column(({ result }) => result)),
    fileKeys: column(({ fileKey }) => fileKey),
    errors: column(({ error }) => error),
    startTimes: column(({ startedAt }) => startedAt),
    endTimes: column(({ completedAt }) => completedAt),
    deliveryIds: column(({ deliveryId }) => deliveryId),
    destinations: column(({ destination }) => destination),
    begunId: begun?.id ?? null,
    begunAt: begun?.startedAt ?? null,
    release,
  };
}
