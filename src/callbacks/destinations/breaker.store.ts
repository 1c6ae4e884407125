import { Injectable } from '@nestjs/common';
import { Database, type Query } from '../../platform/database/database.js';
import { type Breaker, type BreakerEvent, breaker } from './breaker.js';

/** An event at a destination. */
export interface DestinationEvent {
  destination: string;
  event: BreakerEvent;
}

/** A breaker after its events. `isGranted`: the last probe that was requested may be sent. */
export type BreakerAfter = Breaker & { isGranted: boolean };

type LockedBreaker = Breaker & { destination: string; now: Date };

/** Deliveries that one call of {@link BreakerStore.giveUpWaiting} ends. */
const GIVE_UP_LIMIT = 500;

const LOCK = `
  SELECT destination, state, failures, openings, opened_at AS "openedAt", open_until AS "openUntil",
    clock_timestamp() AS now
  FROM callback_destinations WHERE destination = ANY ($1::text[]) ORDER BY destination FOR UPDATE`;

const WRITE = `
  UPDATE callback_destinations d SET state = t.state, failures = t.failures, openings = t.openings,
    opened_at = t.opened_at, open_until = t.open_until, changed_at = clock_timestamp()
  FROM unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::timestamptz[], $6::timestamptz[])
    AS t (destination, state, failures, openings, opened_at, open_until)
  WHERE d.destination = t.destination`;

/** Pending deliveries of `down` that are due for longer than $1 ms and not in flight. Each condition matches an index. */
const lateAt = (attempts: string): string => `SELECT d.id FROM callback_deliveries d
      WHERE d.destination = down.destination AND d.status = 'PENDING' AND ${attempts} AND d.leased_by IS NULL
        AND d.next_attempt_at < clock_timestamp() - $1 * interval '1 millisecond'
        AND NOT EXISTS (SELECT FROM callback_queues s
          WHERE s.destination = d.destination AND s.lane = d.lane AND d.id = ANY (s.started))
      LIMIT ${GIVE_UP_LIMIT}`;

const GIVE_UP = `
  WITH late AS (
    SELECT waiting.id, down.opened_at FROM callback_destinations down
    CROSS JOIN LATERAL ((${lateAt('d.attempts = 0')}) UNION ALL (${lateAt('d.attempts > 0')})) waiting
    WHERE down.state <> 'closed' AND down.opened_at < clock_timestamp() - $1 * interval '1 millisecond'
    LIMIT ${GIVE_UP_LIMIT}
  ), locked AS (
    SELECT d.id, late.opened_at FROM callback_deliveries d JOIN late ON late.id = d.id
    WHERE d.status = 'PENDING' AND d.leased_by IS NULL ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
  )
  UPDATE callback_deliveries d SET status = 'FAILED', finished_at = now(),
    error = 'The destination has failed since ' || to_char(locked.opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
      || '; this callback waited for the whole time of its retry schedule'
  FROM locked WHERE d.id = locked.id RETURNING d.id`;

/** A subquery and not NOT EXISTS, which could become a join with all pending deliveries. */
const onePending = (attempts: string): string => `(SELECT d.id FROM callback_deliveries d
      WHERE d.destination = c.destination AND d.status = 'PENDING' AND ${attempts} LIMIT 1)`;

const FORGET_IDLE = `
  DELETE FROM callback_destinations c USING (
    SELECT c.destination FROM callback_destinations c
    WHERE c.changed_at < clock_timestamp() - $1 * interval '1 millisecond'
      AND ${onePending('d.attempts = 0')} IS NULL AND ${onePending('d.attempts > 0')} IS NULL
    LIMIT $2 FOR UPDATE SKIP LOCKED
  ) idle
  WHERE c.destination = idle.destination RETURNING c.destination`;

/**
 * Moves the breakers of destinations (docs/state-machines.md). Hand-written SQL: several workers report events about the same
 * rows, so a batch is applied under row locks in one transaction, with the time of the database.
 */
@Injectable()
export class BreakerStore {
  constructor(private readonly database: Database) {}

  /**
   * Applies events in order, under the locks of their rows.
   * @returns The breaker of each destination afterwards.
   */
  async apply(events: DestinationEvent[]): Promise<Map<string, BreakerAfter>> {
    const names = [...new Set(events.map(({ destination }) => destination))].toSorted();
    const after = new Map<string, BreakerAfter>();
    await this.database.transaction(async (query) => {
      for (const { destination, now, ...before } of await lockAll(query, names)) {
        const own = events.filter((event) => event.destination === destination);
        after.set(destination, appliedTo(before, own, now));
      }
      await write(query, after);
      return true;
    });
    return after;
  }

  /**
   * Fails callbacks that have been due for longer than `patienceMs`, at destinations that have been failing as long. Callbacks
   * in flight are left to their sender.
   * @returns Their number, and whether there may be more.
   */
  async giveUpWaiting(patienceMs: number): Promise<{ count: number; mayBeMore: boolean }> {
    const rows = await this.database.query({ name: 'destination_give_up', text: GIVE_UP }, [patienceMs]);
    return { count: rows.length, mayBeMore: rows.length === GIVE_UP_LIMIT };
  }

  /**
   * Deletes up to `limit` breakers without an event for `idleMs` and without pending callbacks.
   * @returns Their number.
   */
  async forgetIdle(idleMs: number, limit: number): Promise<number> {
    return (await this.database.query({ name: 'destination_forget_idle', text: FORGET_IDLE }, [idleMs, limit])).length;
  }
}

/** Locks the rows of the destinations in order of their names, after inserting those that are missing. */
async function lockAll(query: Query, names: string[]): Promise<LockedBreaker[]> {
  const lock = () => query<LockedBreaker>({ name: 'destination_lock', text: LOCK }, [names]);
  const known = await lock();
  if (known.length === names.length) return known;
  const text = `INSERT INTO callback_destinations (destination) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING`;
  await query({ name: 'destination_add', text }, [names]);
  return lock();
}

function appliedTo(before: Breaker, events: DestinationEvent[], now: Date): BreakerAfter {
  let state = before;
  let isGranted = false;
  for (const { event } of events) {
    const next = breaker(state, event, now);
    if (event === 'probe') isGranted = next !== state;
    state = next;
  }
  return { ...state, isGranted };
}

async function write(query: Query, after: Map<string, Breaker>): Promise<void> {
  const states = [...after.values()];
  await query({ name: 'destination_write', text: WRITE }, [
    [...after.keys()],
    states.map(({ state }) => state),
    states.map(({ failures }) => failures),
    states.map(({ openings }) => openings),
    states.map(({ openedAt }) => openedAt),
    states.map(({ openUntil }) => openUntil),
  ]);
}
