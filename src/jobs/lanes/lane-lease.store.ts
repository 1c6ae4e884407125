import { Injectable } from '@nestjs/common';
import { WORKER_ID } from '../../platform/concurrency/worker-id.js';
import { Database } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import { LOST_WORKER, UNBEGIN } from '../sql-fragments.store.js';

/** A lane that this process has leased, and the fencing epoch under which it may write. */
export interface LaneLease {
  name: string;
  epoch: number;
  /** By the database's clock, and not before the lane's last completion. */
  startedAt: Date;
  /** The worker that lost the lease before, if it may have crashed. */
  lostBy: string | null;
  /** Up to this position requests run in isolation: one at a time, each marked as begun first. */
  isolateUntil: number;
}

/** Requests that a worker may have generated, or be generating, behind the one that is marked as begun. */
export const MOST_AHEAD = 384;

/** Locked lanes that a claim waits for before it leaves the rest to other workers. */
const MOST_WAITS = 10;

/** A lane that has work and that no worker has leased. */
const IS_FREE = 'pending > 0 AND NOT paused AND (lease_until IS NULL OR lease_until < clock_timestamp())';

/**
 * The time since which a lane has waited; a priority counts as seconds of waiting. This is the expression of the index
 * `lanes_waiting`: a claim reads one lane and not all that wait.
 */
const WAITING_SINCE = `(served_at AT TIME ZONE 'UTC') - priority * interval '1 second'`;

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
    SELECT name, ${LOST_WORKER} AS lost_worker FROM lanes WHERE ${IS_FREE} ORDER BY ${WAITING_SINCE} LIMIT 1
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

const FIND_NEXT = statement(
  'lane_find_next',
  `SELECT name FROM lanes WHERE ${IS_FREE} ORDER BY ${WAITING_SINCE} LIMIT 1`,
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

/**
 * Leases of lanes. Hand-written SQL, because a lane must have one worker at a time: `SKIP LOCKED`, the database's clock and
 * the fencing epoch decide that inside one statement.
 */
@Injectable()
export class LaneLeaseStore {
  constructor(private readonly database: Database) {}

  /** Leases the free lane that has waited longest; returns null when no lane has work. */
  async lease(leaseMs: number): Promise<LaneLease | null> {
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

  /**
   * Releases a lane, to be leased again after a pause; its begun request is pending again. The lane's row comes last, as in
   * `JobsStore.complete`; a worker that lost the lease changes nothing.
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
