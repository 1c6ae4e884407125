import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { fromJsonColumn, jsonColumn } from '../../platform/database/json-column.js';
import { statement } from '../../platform/database/named-parameters.js';
import type { Completion, Job } from '../job.js';
import { CRASHED_WORKERS, DELIVERY_INSERT, JOB, STORED_INSERT, UNBEGIN } from '../sql-fragments.store.js';
import type { LaneLease } from './lane-lease.store.js';

export interface CompletedBatch {
  completions: Completion[];
  /** The request that is generated next, or already; the batch marks it as begun. */
  begun: { id: string; startedAt: Date } | null;
  /** Release the lane in the same transaction. */
  release: boolean;
  /** Seconds of work that the batch took, for the lane's throughput. */
  busyS: number;
}

/** A request that is to be cancelled. */
export interface Cancellation {
  id: string;
  /** Id of its callback delivery, if it has one. */
  deliveryId: string;
  /** The result of `destinationOf`. */
  destination: string | null;
}

/** A lane's throughput is smoothed over about this many seconds of work. */
const RATE_WINDOW_S = 30;

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
    SELECT r.id, r.mode, r.report, r.format, r.input_payload, r.callback_url, r.account_id, r.queue_position,
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
                         :startTimes::timestamptz[], :endTimes::timestamptz[], :deliveryIds::uuid[], :destinations::text[],
                         :fileBytes::bigint[])
      AS t (id, result, file_key, error, started_at, completed_at, delivery_id, destination, file_bytes)
  ), finished AS (
    UPDATE requests r SET status = CASE WHEN i.error IS NULL THEN 'COMPLETED' ELSE 'FAILED' END,
      result_payload = i.result::json, file_key = i.file_key, file_bytes = i.file_bytes, error = i.error,
      started_at = i.started_at, completed_at = i.completed_at
    FROM item i WHERE r.id = ANY (:ids::uuid[]) AND r.id = i.id AND (r.completed_at IS NULL OR i.id IS NULL)
    RETURNING r.id, r.account_id, r.callback_url, r.lane, r.queue_position, i.delivery_id, i.destination, r.file_bytes,
      r.estimated_bytes
  ), delivered AS (${DELIVERY_INSERT}
  ), stored AS (${STORED_INSERT}
  ), passed AS (
    DELETE FROM cancelled_positions
    WHERE lane = :lane AND queue_position < (SELECT max(queue_position) FROM finished)
  ), begun AS (
    UPDATE requests r SET status = 'PROCESSING', started_at = :begunAt WHERE r.id = :begunId AND r.status = 'PENDING'
  ), unbegun AS (${UNBEGIN} AND :release
  )
  SELECT id, true AS "isNew", estimated_bytes AS "estimatedBytes" FROM finished
  UNION ALL
  SELECT r.id, false, 0 FROM requests r JOIN item i ON i.id = r.id
  WHERE r.id = ANY (:ids::uuid[]) AND r.status IN ('COMPLETED', 'FAILED') AND r.file_key = i.file_key`,
);

/** A lane without unfinished requests has passed every position. Follows an update of the lane named `counted`. */
const PASSED_ALL = 'DELETE FROM cancelled_positions WHERE lane = :lane AND (SELECT pending FROM counted) = 0';

/** A lane without unfinished requests reserves nothing, so that an error in the estimates cannot stay. */
const RELEASED = 'CASE WHEN pending = :count THEN 0 ELSE greatest(0, reserved_bytes - :estimatedBytes) END';

/** Counts finished requests, and renews or ends the lease. Returns no row when the lease is lost. */
const COUNT = statement(
  'lane_count',
  `WITH counted AS (
    UPDATE lanes SET pending = pending - :count, reserved_bytes = ${RELEASED}, last_completed_at = greatest(last_completed_at, :lastEnd::timestamptz),
      throughput_per_s = throughput_per_s
        + (CASE WHEN throughput_per_s = 0 THEN 1 ELSE 1 - exp(-:busyS::float8 / ${RATE_WINDOW_S}) END)
        * (:count / :busyS::float8 - throughput_per_s),
      leased_by = CASE WHEN :release THEN NULL ELSE leased_by END,
      lease_until = CASE WHEN :release THEN NULL ELSE clock_timestamp() + :leaseMs * interval '1 millisecond' END
    WHERE name = :lane AND lease_epoch = :epoch RETURNING name, pending
  ), passed AS (${PASSED_ALL})
  SELECT name FROM counted`,
);

const FIND_PENDING = statement(
  'request_find_pending',
  `SELECT id, callback_url AS "callbackUrl" FROM requests WHERE id = ANY (:ids::uuid[]) AND completed_at IS NULL`,
);

/** Requests are found by id, for the same reason as in {@link FINISH}, and locked by id. */
const CANCEL = statement(
  'request_cancel',
  `WITH item AS (
    SELECT * FROM unnest(:ids::uuid[], :deliveryIds::uuid[], :destinations::text[]) AS t (id, delivery_id, destination)
  ), locked AS (
    SELECT id FROM requests WHERE id = ANY (:ids::uuid[]) ORDER BY id FOR UPDATE
  ), finished AS (
    UPDATE requests r SET status = 'CANCELLED', completed_at = clock_timestamp()
    FROM item i JOIN locked ON locked.id = i.id
    WHERE r.id = ANY (:ids::uuid[]) AND r.id = i.id AND (r.status = 'PENDING' OR i.id IS NULL
      OR (r.status = 'PROCESSING' AND r.mode = 'async' AND r.report = ANY (:running::text[])))
    RETURNING r.id, r.account_id, r.callback_url, r.lane, r.queue_position, i.delivery_id, i.destination,
      r.estimated_bytes
  ), delivered AS (${DELIVERY_INSERT}
  ), skipped AS (
    INSERT INTO cancelled_positions (lane, queue_position) SELECT lane, queue_position FROM finished
  )
  SELECT lane, count(*) AS count, sum(estimated_bytes)::bigint AS "estimatedBytes" FROM finished GROUP BY lane`,
);

/** Counts cancelled requests in their lanes, which are locked by name. */
const UNCOUNT = statement(
  'lane_uncount',
  `WITH cancelled AS (
    SELECT * FROM unnest(:lanes::text[], :counts::integer[], :estimatedBytes::bigint[]) AS t (lane, count, bytes)
  ), locked AS (
    SELECT name FROM lanes WHERE name = ANY (:lanes::text[]) ORDER BY name FOR UPDATE
  ), counted AS (
    UPDATE lanes l SET pending = l.pending - c.count,
      reserved_bytes = CASE WHEN l.pending = c.count THEN 0 ELSE greatest(0, l.reserved_bytes - c.bytes) END
    FROM cancelled c JOIN locked ON locked.name = c.lane
    WHERE l.name = ANY (:lanes::text[]) AND l.name = c.lane RETURNING l.name, l.pending
  ) DELETE FROM cancelled_positions WHERE lane IN (SELECT name FROM counted WHERE pending = 0)`,
);

/**
 * Requests of leased lanes: begin, read, complete, cancel. Hand-written SQL, because the order of a lane depends on each
 * statement and the throughput on the number of round trips.
 */
@Injectable()
export class JobsStore {
  constructor(private readonly database: Database) {}

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
    let finished: { id: string; isNew: boolean; estimatedBytes: number }[] = [];
    const isOurs = await this.database.transaction(async (query) => {
      finished = await query(FINISH, finishValues(lane, batch));
      const counted = await query(COUNT, {
        lane: lane.name,
        epoch: lane.epoch,
        count: finished.filter(({ isNew }) => isNew).length,
        estimatedBytes: finished.reduce((sum, { estimatedBytes }) => sum + estimatedBytes, 0),
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

  /** @returns Those of the requests that may be pending. */
  findPending(ids: string[]): Promise<{ id: string; callbackUrl: string | null }[]> {
    return this.database.query(FIND_PENDING, { ids });
  }

  /**
   * Cancels those of the requests that are pending; their positions stay, so no gap appears. The rows of the lanes come last,
   * as in {@link complete}.
   * @param running Report types of which requests in progress are cancelled too. Their worker finds out, and completes nothing.
   * @returns The number of cancelled requests.
   */
  async cancelAll(requests: readonly Cancellation[], running: readonly string[] = []): Promise<number> {
    let cancelled: { lane: string; count: number; estimatedBytes: number }[] = [];
    await this.database.transaction(async (query) => {
      cancelled = await query(CANCEL, {
        ids: requests.map(({ id }) => id),
        deliveryIds: requests.map(({ deliveryId }) => deliveryId),
        destinations: requests.map(({ destination }) => destination),
        running,
      });
      if (cancelled.length === 0) return false;
      await query(UNCOUNT, {
        lanes: cancelled.map(({ lane }) => lane),
        counts: cancelled.map(({ count }) => count),
        estimatedBytes: cancelled.map(({ estimatedBytes }) => estimatedBytes),
      });
      return true;
    });
    return cancelled.reduce((sum, { count }) => sum + count, 0);
  }

  /** Cancels one request, as {@link cancelAll}. @returns False when it cannot be cancelled any more. */
  async cancel(
    id: string,
    deliveryId: string,
    destination: string | null,
    running?: readonly string[],
  ): Promise<boolean> {
    return (await this.cancelAll([{ id, deliveryId, destination }], running)) === 1;
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
    fileBytes: column(({ fileBytes }) => fileBytes),
    begunId: begun?.id ?? null,
    begunAt: begun?.startedAt ?? null,
    release,
  };
}
