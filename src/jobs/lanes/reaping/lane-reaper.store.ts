import { Injectable } from '@nestjs/common';
import { Database } from '../../../platform/database/database.js';
import { statement } from '../../../platform/database/named-parameters.js';
import { accountOf } from '../../sql-fragments.store.js';

/** An idle lane in its ordinary state. Follows the predicate of the index `lanes_idle`. */
const IS_IDLE = `pending = 0 AND NOT paused AND priority = 0
  AND served_at < now() - :idleMs * interval '1 millisecond'` as const;

/** Nothing refers to the lane: no request is left, and so no delivery either. */
const IS_UNUSED = `NOT EXISTS (SELECT FROM requests r WHERE r.lane = l.name)
  AND NOT EXISTS (SELECT FROM cancelled_positions c WHERE c.lane = l.name)`;

const FIND_IDLE = statement(
  'lane_find_idle',
  `SELECT name, ${IS_UNUSED} AS "isUnused" FROM lanes l
  WHERE ${IS_IDLE} AND (served_at, name) > (coalesce((SELECT served_at FROM lanes WHERE name = :after), '-infinity'), :after)
  ORDER BY served_at, name LIMIT :limit`,
);

const RAISE = statement(
  'lane_raise_first_positions',
  `INSERT INTO reaped_lanes AS r (account, next_position)
  SELECT ${accountOf('name')} AS account, max(next_position) FROM lanes WHERE name = ANY (:lanes::text[])
  GROUP BY account ORDER BY account
  ON CONFLICT (account) DO UPDATE SET next_position = excluded.next_position
  WHERE r.next_position < excluded.next_position`,
);

/** Transactions that may still read `reaped_lanes` as it was: each takes this lock before its snapshot. */
const WRITERS = statement(
  'lane_writers',
  `SELECT virtualtransaction AS id FROM pg_locks
  WHERE locktype = 'relation' AND relation = 'lanes'::regclass AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
);

/** Skips locked lanes: a request is being accepted into them. */
const REAP = statement(
  'lane_reap',
  `WITH unused AS (
    SELECT name FROM lanes l WHERE name = ANY (:lanes::text[]) AND ${IS_IDLE} AND ${IS_UNUSED}
      AND (lease_until IS NULL OR lease_until < clock_timestamp())
      AND next_position <= (SELECT r.next_position FROM reaped_lanes r WHERE r.account = ${accountOf('l.name')})
    ORDER BY name FOR UPDATE OF l SKIP LOCKED
  )
  DELETE FROM lanes l USING unused WHERE l.name = unused.name RETURNING l.name`,
);

/**
 * Reaps lanes. Hand-written SQL, because an accept may insert the lane at the same moment, and no position of a name may
 * be given twice: see {@link LaneReaper}.
 */
@Injectable()
export class LaneReaperStore {
  constructor(private readonly database: Database) {}

  /**
   * Returns lanes that were not served for some time, the longest idle first, and whether nothing refers to them.
   * @param after The last lane of the previous page; empty for the first page.
   */
  findIdle(idleMs: number, after: string, limit: number): Promise<{ name: string; isUnused: boolean }[]> {
    return this.database.query(FIND_IDLE, { idleMs, after, limit });
  }

  /** Makes new lanes of the accounts begin behind the positions of these lanes. */
  async raiseFirstPositions(lanes: string[]): Promise<void> {
    await this.database.query(RAISE, { lanes });
  }

  /** Returns the ids of the other transactions that write lanes. */
  async writers(): Promise<string[]> {
    const rows: { id: string }[] = await this.database.query(WRITERS);
    return rows.map(({ id }) => id);
  }

  /** Deletes those of the lanes that are still idle and unused, and that the first positions cover; returns their names. */
  async reap(lanes: string[], idleMs: number): Promise<string[]> {
    const rows: { name: string }[] = await this.database.query(REAP, { lanes, idleMs });
    return rows.map(({ name }) => name);
  }
}
