import { Injectable } from '@nestjs/common';
import { WORKER_ID } from '../../platform/concurrency/worker-id.js';
import { Database } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import { laneAccount } from '../../platform/tenant.js';
import { notPaused } from '../../queue/pauses/not-paused.store.js';
import { LOST_WORKER, OPEN_ACCOUNT, UNBEGIN, accountOf } from '../sql-fragments.store.js';
import { AccountTurns } from './fairness/account-turns.js';

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

/** Accounts that a claim compares. */
const ACCOUNTS_COMPARED = 32;

/** A lane that has work and that no worker has leased. */
const IS_FREE = 'pending > 0 AND NOT paused AND (lease_until IS NULL OR lease_until < clock_timestamp())';

/** Once a statement, and not in `IS_FREE`, which each probe of the index evaluates. */
const NOT_PAUSED = notPaused('reports');

const ACCOUNT = accountOf('name');

/**
 * The time since which a lane has waited; a priority counts as seconds of waiting. {@link ACCOUNT} and this are the
 * expressions of the index `lanes_waiting`: a claim reads one lane of each account and not all that wait.
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

const NEXT_FREE = `FROM lanes WHERE ${IS_FREE} AND ${ACCOUNT} > ` as const;
const FIRST = `ORDER BY ${ACCOUNT}, ${WAITING_SINCE} LIMIT 1` as const;

/**
 * The accounts that have free lanes, in the order of their turns: those that this worker has not served recently, then those
 * of `:recent`, in its order ({@link AccountTurns}). Each account costs one probe of the index; the recursion is a skip
 * scan, which Postgres does not have. If there are more accounts than it compares, it takes those behind `:after`, and
 * from the first one on.
 */
const TURNS = `
  page (account, waiting_since, nth) AS (
    (SELECT ${ACCOUNT}, ${WAITING_SINCE}, 1 ${NEXT_FREE} :after ${FIRST})
    UNION ALL
    SELECT next.account, next.waiting_since, nth + 1 FROM page CROSS JOIN LATERAL (
      SELECT ${ACCOUNT} AS account, ${WAITING_SINCE} AS waiting_since ${NEXT_FREE} page.account ${FIRST}
    ) next WHERE nth < ${ACCOUNTS_COMPARED}
  ), compared AS (SELECT count(*)::integer AS accounts FROM page
  ), wrapped (account, waiting_since, nth) AS (
    (SELECT ${ACCOUNT}, ${WAITING_SINCE}, (SELECT accounts FROM compared) + 1
     ${NEXT_FREE} '' AND ${ACCOUNT} <= :after AND (SELECT accounts FROM compared) < ${ACCOUNTS_COMPARED} ${FIRST})
    UNION ALL
    SELECT next.account, next.waiting_since, nth + 1 FROM wrapped CROSS JOIN LATERAL (
      SELECT ${ACCOUNT} AS account, ${WAITING_SINCE} AS waiting_since
      ${NEXT_FREE} wrapped.account AND ${ACCOUNT} <= :after ${FIRST}
    ) next WHERE nth < ${ACCOUNTS_COMPARED}
  ), turn AS MATERIALIZED (
    SELECT account, nth FROM (SELECT * FROM page UNION ALL SELECT * FROM wrapped) account
    ORDER BY coalesce(array_position(:recent::text[], account), 0), waiting_since
  )` as const;

/**
 * Leases the next free lane: of the account whose turn it is, the one that has waited longest. Skips locked rows, so that
 * workers spread over the lanes. The requests are read by a later statement: in this one's snapshot a commit of the
 * previous worker might be missing.
 */
const LEASE_NEXT = statement(
  'lane_lease_next',
  `WITH RECURSIVE ${TURNS}, free AS (
    SELECT lane.name, lane.lost_worker FROM turn CROSS JOIN LATERAL (
      SELECT name, ${LOST_WORKER} AS lost_worker FROM lanes WHERE ${IS_FREE} AND ${ACCOUNT} = turn.account
      ORDER BY ${WAITING_SINCE} LIMIT 1 FOR UPDATE SKIP LOCKED
    ) lane WHERE ${NOT_PAUSED} LIMIT 1
  ) ${LEASE_FREE}, (SELECT account FROM turn WHERE nth = ${ACCOUNTS_COMPARED}) AS "lastCompared"`,
);

/** Leases one lane if it is free, and waits for its row lock. */
const LEASE_NAMED = statement(
  'lane_lease_named',
  `WITH free AS (
    SELECT name, ${LOST_WORKER} AS lost_worker FROM lanes WHERE name = :lane AND ${IS_FREE} AND ${NOT_PAUSED} FOR UPDATE
  ) ${LEASE_FREE}`,
);

const FIND_NEXT = statement(
  'lane_find_next',
  `WITH RECURSIVE ${TURNS}
  SELECT lane.name FROM turn CROSS JOIN LATERAL (
    SELECT name FROM lanes WHERE ${IS_FREE} AND ${ACCOUNT} = turn.account ORDER BY ${WAITING_SINCE} LIMIT 1
  ) lane WHERE ${NOT_PAUSED} LIMIT 1`,
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
  private readonly turns = new AccountTurns();
  /** The account behind which the next claim begins to compare. */
  private after = '';

  constructor(private readonly database: Database) {}

  /**
   * Leases the next free lane: accounts take turns, and of an account's lanes the one is next that has waited longest.
   * Returns null when no lane has work, or reports are paused.
   * @param running The account of each lane that this worker runs.
   */
  async lease(leaseMs: number, running: readonly string[] = []): Promise<LaneLease | null> {
    const lane = await this.leaseNext(leaseMs, running);
    if (lane) this.turns.served(accountKey(lane.name));
    return lane;
  }

  /** Returns the account whose lane would be leased next; null when no lane has work, or reports are paused. */
  async findWaiting(running: readonly string[] = []): Promise<string | null> {
    const [lane]: { name: string }[] = await this.database.query(FIND_NEXT, {
      after: this.after,
      recent: this.turns.recent(running),
    });
    return lane ? accountKey(lane.name) : null;
  }

  private async leaseNext(leaseMs: number, running: readonly string[]): Promise<LaneLease | null> {
    const recent = this.turns.recent(running);
    for (let times = 0; times < MOST_WAITS; times++) {
      const next = { workerId: WORKER_ID, leaseMs, after: this.after, recent };
      const [leased]: (LaneLease & { lastCompared: string | null })[] = await this.database.query(LEASE_NEXT, next);
      if (leased) {
        this.after = leased.lastCompared ?? '';
        return leaseOf(leased);
      }
      // Each accept locks its lane's row for a moment. Wait for that row: a busy lane is not an empty one. Wait for one
      // named lane only, because a statement that moves on to the next lane keeps its locks on those that it found taken.
      const [busy]: { name: string }[] = await this.database.query(FIND_NEXT, { after: this.after, recent });
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

function leaseOf({ name, epoch, startedAt, lostBy, isolateUntil }: LaneLease): LaneLease {
  return { name, epoch, startedAt, lostBy, isolateUntil };
}

/** The account of a lane as `accountOf` gives it in SQL. */
export function accountKey(lane: string): string {
  return laneAccount(lane) ?? OPEN_ACCOUNT;
}
