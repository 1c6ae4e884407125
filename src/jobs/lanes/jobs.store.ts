import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { WORKER_ID } from '../../platform/concurrency/worker-id.js';
import { fromJsonColumn, jsonColumn } from '../../platform/database/json-column.js';
import { type Completion, JOB, type Job, lostBy, withCrashOf } from '../job.js';

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

const FREE = 'pending > 0 AND NOT paused AND (lease_until IS NULL OR lease_until < clock_timestamp())';

/**
 * Free lanes, the one first that has waited longest; its priority counts as seconds of waiting. By the expression of the
 * index `lanes_waiting`, so that no claim reads all lanes that wait.
 */
const NEXT = `${FREE} ORDER BY (served_at AT TIME ZONE 'UTC') - priority * interval '1 second' LIMIT 1`;

/**
 * Takes a lane and bumps its fencing epoch. The lane's requests are read by a statement of their own afterwards: one that
 * began before a former holder committed would still see what that holder finished.
 *
 * A holder that fell silent may have died of any request that it had made ahead. Those lie below `isolate_until`: the head is
 * not behind next_position - pending, whatever was cancelled in between.
 */
const leaseText = (which: string): string => `
  WITH free AS (
    SELECT name, ${lostBy('leased_by', '$1')} AS lost_by FROM lanes WHERE ${which}
  )
  UPDATE lanes l SET leased_by = $1, lease_until = clock_timestamp() + $2 * interval '1 millisecond',
    lease_epoch = l.lease_epoch + 1, served_at = clock_timestamp(),
    isolate_until = CASE WHEN free.lost_by IS NULL THEN l.isolate_until ELSE l.next_position - l.pending + ${MOST_AHEAD} END
  FROM free WHERE l.name = free.name
  RETURNING l.name, l.lease_epoch AS epoch, greatest(clock_timestamp(), l.last_completed_at) AS "startedAt",
    free.lost_by AS "lostBy", l.isolate_until AS "isolateUntil"`;

/** Does not wait, so that workers spread over the lanes. */
const LEASE_NEXT = leaseText(`${NEXT} FOR UPDATE SKIP LOCKED`);
const LEASE_NAMED = leaseText(`name = $3 AND ${FREE} FOR UPDATE`);
const FIND_NEXT = `SELECT name FROM lanes WHERE ${NEXT}`;

/**
 * Reads the head of a lane we hold and marks its first request as begun, unless it was cancelled since it was read. If it
 * was begun before by a holder that fell silent, that counts as a death; only the first one of a lane is ever begun. The
 * lane's row is not locked: a cancellation locks it after its request, and the two would wait for each other.
 */
const BEGIN = `
  WITH held AS (
    SELECT name FROM lanes WHERE name = $1 AND lease_epoch = $2
  ), head AS (
    SELECT r.id, r.mode, r.report, r.format, r.input_payload, r.callback_url, r.queue_position,
      ${withCrashOf('$5::text')} AS crashed_workers
    FROM requests r, held WHERE r.lane = held.name AND r.status IN ('PENDING', 'PROCESSING')
    ORDER BY r.queue_position LIMIT $4
  ), begun AS (
    UPDATE requests r SET status = 'PROCESSING', started_at = $3, crashed_workers = first.crashed_workers
    FROM (SELECT id, crashed_workers FROM head ORDER BY queue_position LIMIT 1) first
    WHERE r.id = first.id AND r.status IN ('PENDING', 'PROCESSING')
  )
  SELECT ${JOB}, 0 AS "leaseEpoch" FROM head r ORDER BY queue_position`;

/**
 * Finishes requests of a lane we hold, owes their callbacks and begins the next one. They are looked up by id, and what is
 * unfinished is told by `completed_at`: by lane or status the planner may take the index of all that is unfinished, and
 * every batch would read the whole backlog. The condition stands in the join, or it would count on a single row. Told a
 * second time, because the connection broke after the commit, it names what the first one finished: those files are in use.
 */
const FINISH = `
  WITH item AS (
    SELECT * FROM unnest($2::uuid[], ${fromJsonColumn('$3')}, $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
                         $8::uuid[], $9::text[])
      AS t (id, result, file_key, error, started_at, completed_at, delivery_id, destination)
  ), finished AS (
    UPDATE requests r SET status = CASE WHEN i.error IS NULL THEN 'COMPLETED' ELSE 'FAILED' END,
      result_payload = i.result::json, file_key = i.file_key, error = i.error,
      started_at = i.started_at, completed_at = i.completed_at
    FROM item i WHERE r.id = ANY ($2::uuid[]) AND r.id = i.id AND (r.completed_at IS NULL OR i.id IS NULL)
    RETURNING r.id, r.callback_url, r.lane, r.queue_position, i.delivery_id, i.destination
  ), owed AS (
    INSERT INTO callback_deliveries (id, request_id, url, destination, lane, queue_position)
    SELECT delivery_id, id, callback_url, destination, lane, queue_position FROM finished
    WHERE callback_url IS NOT NULL ORDER BY queue_position
  ), passed AS (
    DELETE FROM cancelled_positions WHERE lane = $1 AND queue_position < (SELECT max(queue_position) FROM finished)
  ), begun AS (
    UPDATE requests r SET status = 'PROCESSING', started_at = $11 WHERE r.id = $10 AND r.status = 'PENDING'
  ), unbegun AS (
    UPDATE requests r SET status = 'PENDING', started_at = NULL
    WHERE $12 AND r.status = 'PROCESSING' AND r.id = (
      SELECT n.id FROM requests n
      WHERE n.lane = $1 AND n.status IN ('PENDING', 'PROCESSING') AND n.id <> ALL ($2::uuid[])
      ORDER BY n.queue_position LIMIT 1)
  )
  SELECT id, true AS "isNew" FROM finished
  UNION ALL
  SELECT r.id, false FROM requests r JOIN item i ON i.id = r.id
  WHERE r.id = ANY ($2::uuid[]) AND r.status IN ('COMPLETED', 'FAILED') AND r.file_key = i.file_key`;

/** The request of a lane that was begun is pending again. */
const UNBEGIN = `
  UPDATE requests r SET status = 'PENDING', started_at = NULL
  WHERE r.status = 'PROCESSING' AND r.id = (
    SELECT n.id FROM requests n WHERE n.lane = $1 AND n.status IN ('PENDING', 'PROCESSING')
    ORDER BY n.queue_position LIMIT 1)`;

/** A lane that has nothing unfinished has passed every position. To follow the lane's update as `counted`. */
const PASSED_ALL = `DELETE FROM cancelled_positions WHERE lane = $1 AND (SELECT pending FROM counted) = 0`;

/** Counts what was finished, and renews or ends the lease; no row when the lane is not ours any more. */
const COUNT = `
  WITH counted AS (
    UPDATE lanes SET pending = pending - $3, last_completed_at = greatest(last_completed_at, $4::timestamptz),
      throughput_per_s = throughput_per_s + (CASE WHEN throughput_per_s = 0 THEN 1 ELSE 1 - exp(-$5::float8 / ${RATE_WINDOW_S}) END)
        * ($3 / $5::float8 - throughput_per_s),
      leased_by = CASE WHEN $6 THEN NULL ELSE leased_by END,
      lease_until = CASE WHEN $6 THEN NULL ELSE clock_timestamp() + $7 * interval '1 millisecond' END
    WHERE name = $1 AND lease_epoch = $2 RETURNING name, pending
  ), passed AS (${PASSED_ALL})
  SELECT name FROM counted`;

const CANCEL = `
  WITH cancelled AS (
    UPDATE requests SET status = 'CANCELLED', completed_at = clock_timestamp() WHERE id = $1 AND status = 'PENDING'
    RETURNING id, callback_url, lane, queue_position
  ), owed AS (
    INSERT INTO callback_deliveries (id, request_id, url, destination, lane, queue_position)
    SELECT $2::uuid, id, callback_url, $3::text, lane, queue_position FROM cancelled WHERE callback_url IS NOT NULL
  ), skipped AS (
    INSERT INTO cancelled_positions (lane, queue_position) SELECT lane, queue_position FROM cancelled
  )
  SELECT lane FROM cancelled`;

/** All SQL of the order: leases of lanes, and the requests that are made under them. */
@Injectable()
export class JobsStore {
  constructor(private readonly database: Database) {}

  /** Leases the lane that has waited longest of those that have work and that nobody holds; null when there is none. */
  async leaseLane(leaseMs: number): Promise<LaneLease | null> {
    for (let times = 0; times < MOST_WAITS; times++) {
      const lane = await this.lease('lane_lease_next', LEASE_NEXT, [WORKER_ID, leaseMs]);
      if (lane) return lane;
      // A lane's row is also locked for a moment by every accept: wait for that instead of calling a busy lane empty. For
      // one named lane, since a statement that goes on to the next one keeps its lock on those that it found taken.
      const [busy] = await this.database.query<{ name: string }>({ name: 'lane_find_next', text: FIND_NEXT });
      if (!busy) return null;
      const waitedFor = await this.lease('lane_lease_named', LEASE_NAMED, [WORKER_ID, leaseMs, busy.name]);
      if (waitedFor) return waitedFor;
    }
    return null;
  }

  private async lease(name: string, text: string, values: unknown[]): Promise<LaneLease | null> {
    const [lane] = await this.database.query<LaneLease>({ name, text }, values);
    return lane ?? null;
  }

  /** The lowest unfinished requests of a lane we hold, in order; the first is marked as begun. Empty if we lost it. */
  async begin(lane: LaneLease, limit: number): Promise<Job[]> {
    return this.database.query<Job>({ name: 'lane_begin', text: BEGIN }, [
      lane.name,
      lane.epoch,
      lane.startedAt,
      limit,
      lane.lostBy,
    ]);
  }

  /** What follows in a lane we hold, in order. No lock: what is not ours any more cannot be completed either. */
  async readAfter(lane: LaneLease, queuePosition: number, limit: number): Promise<Job[]> {
    const text = `SELECT ${JOB}, 0 AS "leaseEpoch" FROM requests r
      WHERE r.lane = $1 AND r.queue_position > $2 AND r.status IN ('PENDING', 'PROCESSING')
      ORDER BY r.queue_position LIMIT $3`;
    return this.database.query<Job>({ name: 'lane_read_after', text }, [lane.name, queuePosition, limit]);
  }

  /**
   * Completes requests of a lane we hold. The lane's row comes last, against the usual order of locks: every accept
   * waits for it, and this way only for the commit. A holder that lost the lane finds that out there and rolls back.
   * @returns The ids of those that are finished now (others were cancelled meanwhile), or null when we lost the lane: then
   *   nothing was written.
   */
  async complete(lane: LaneLease, batch: CompletedBatch, leaseMs: number): Promise<Set<string> | null> {
    const { completions, begun, release } = batch;
    const column = <T>(pick: (completion: Completion) => T): T[] => completions.map(pick);
    let finished: { id: string; isNew: boolean }[] = [];
    const isOurs = await this.database.transaction(async (query) => {
      finished = await query<{ id: string; isNew: boolean }>({ name: 'lane_finish', text: FINISH }, [
        lane.name,
        column(({ id }) => id),
        jsonColumn(column(({ result }) => result)),
        column(({ fileKey }) => fileKey),
        column(({ error }) => error),
        column(({ startedAt }) => startedAt),
        column(({ completedAt }) => completedAt),
        column(({ deliveryId }) => deliveryId),
        column(({ destination }) => destination),
        begun?.id ?? null,
        begun?.startedAt ?? null,
        release,
      ]);
      const lastCompletedAt = completions.at(-1)?.completedAt ?? null;
      const busyS = Math.max(batch.busyS, 0.001);
      const count = finished.filter(({ isNew }) => isNew).length;
      const values = [lane.name, lane.epoch, count, lastCompletedAt, busyS, release, leaseMs];
      const counted = await query({ name: 'lane_count', text: COUNT }, values);
      return counted.length === 1;
    });
    // What an earlier try finished stays finished, even if somebody else has the lane by now.
    const kept = isOurs ? finished : finished.filter(({ isNew }) => !isNew);
    return isOurs || kept.length > 0 ? new Set(kept.map(({ id }) => id)) : null;
  }

  /**
   * Cancels a request that is still pending; its position stays, so no gap appears. The lane's row comes last, as in
   * {@link complete}.
   * @returns False when it is not pending any more.
   */
  async cancel(id: string, deliveryId: string, destination: string | null): Promise<boolean> {
    return this.database.transaction(async (query) => {
      const [row] = await query<{ lane: string }>({ name: 'request_cancel', text: CANCEL }, [
        id,
        deliveryId,
        destination,
      ]);
      if (!row) return false;
      const text = `WITH counted AS (UPDATE lanes SET pending = pending - 1 WHERE name = $1 RETURNING pending) ${PASSED_ALL}`;
      await query({ name: 'lane_uncount', text }, [row.lane]);
      return true;
    });
  }

  /**
   * Gives a lane back, to be taken again after a while. A request that was begun is pending again. The lane's row comes
   * last, as in {@link complete}; who has lost it changes nothing.
   */
  async release(lane: LaneLease, pauseMs: number): Promise<void> {
    const text = `UPDATE lanes SET leased_by = NULL, lease_until = clock_timestamp() + $3 * interval '1 millisecond'
      WHERE name = $1 AND lease_epoch = $2 RETURNING name`;
    await this.database.transaction(async (query) => {
      await query({ name: 'lane_unbegin', text: UNBEGIN }, [lane.name]);
      return (await query({ name: 'lane_release', text }, [lane.name, lane.epoch, pauseMs])).length === 1;
    });
  }

  /** Renews leases; gives those that are still ours. A lane that we lost and took again is ours by the newer one alone. */
  async renew(lanes: LaneLease[], leaseMs: number): Promise<LaneLease[]> {
    // In the order of their names, as an accept locks them: else the two could wait for each other. Not one that was
    // given back while this was on its way: nobody would hold it, and nobody could take it.
    const text = `WITH held AS (
        SELECT l.name FROM lanes l JOIN unnest($1::text[], $2::bigint[]) AS t (name, epoch)
          ON l.name = t.name AND l.lease_epoch = t.epoch AND l.leased_by IS NOT NULL
        ORDER BY l.name FOR UPDATE OF l
      )
      UPDATE lanes l SET lease_until = clock_timestamp() + $3 * interval '1 millisecond'
      FROM held WHERE l.name = held.name RETURNING l.name, l.lease_epoch AS epoch`;
    const rows = await this.database.query<Pick<LaneLease, 'name' | 'epoch'>>({ name: 'lane_renew', text }, [
      lanes.map(({ name }) => name),
      lanes.map(({ epoch }) => epoch),
      leaseMs,
    ]);
    const epochs = new Map(rows.map(({ name, epoch }) => [name, epoch]));
    return lanes.filter(({ name, epoch }) => epochs.get(name) === epoch);
  }
}
