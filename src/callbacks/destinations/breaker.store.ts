import { Injectable } from '@nestjs/common';
import { Database, type Query } from '../../platform/database/database.js';
import { type Breaker, type BreakerEvent, breaker } from './breaker.js';
import { type Target, targetColumns, targetKey } from './target.js';

/** An event at a destination of an account. */
export interface TargetEvent extends Target {
  event: BreakerEvent;
}

/** A breaker after its events. `isGranted`: the last probe that was requested may be sent. */
export type BreakerAfter = Breaker & { isGranted: boolean };

type LockedBreaker = Breaker & Target & { now: Date };

const LOCK = `
  SELECT c.account_id AS "accountId", c.destination, c.state, c.failures, c.openings, c.opened_at AS "openedAt",
    c.open_until AS "openUntil", clock_timestamp() AS now
  FROM unnest($1::uuid[], $2::text[]) AS t (account_id, destination)
  JOIN callback_destinations c ON c.account_id = t.account_id AND c.destination = t.destination
  ORDER BY c.account_id, c.destination FOR UPDATE OF c`;

const ADD = `
  INSERT INTO callback_destinations (account_id, destination)
  SELECT * FROM unnest($1::uuid[], $2::text[]) AS t (account_id, destination) ORDER BY account_id, destination
  ON CONFLICT DO NOTHING`;

const WRITE = `
  UPDATE callback_destinations d SET state = t.state, failures = t.failures, openings = t.openings,
    opened_at = t.opened_at, open_until = t.open_until, changed_at = clock_timestamp()
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::integer[], $6::timestamptz[], $7::timestamptz[])
    AS t (account_id, destination, state, failures, openings, opened_at, open_until)
  WHERE d.account_id = t.account_id AND d.destination = t.destination`;

/** A subquery and not NOT EXISTS, which could become a join with all pending deliveries. */
const onePending = (attempts: string): string => `(SELECT d.id FROM callback_deliveries d
      WHERE d.account_id = c.account_id AND d.destination = c.destination AND d.status = 'PENDING' AND ${attempts}
      LIMIT 1)`;

const FORGET_IDLE = `
  DELETE FROM callback_destinations c USING (
    SELECT c.account_id, c.destination FROM callback_destinations c
    WHERE c.changed_at < clock_timestamp() - $1 * interval '1 millisecond'
      AND ${onePending('d.attempts = 0')} IS NULL AND ${onePending('d.attempts > 0')} IS NULL
    LIMIT $2 FOR UPDATE SKIP LOCKED
  ) idle
  WHERE c.account_id = idle.account_id AND c.destination = idle.destination RETURNING c.destination`;

/**
 * Moves the breakers of destinations (docs/state-machines.md). Hand-written SQL: several workers report events about the same
 * rows, so a batch is applied under row locks in one transaction, with the time of the database.
 */
@Injectable()
export class BreakerStore {
  constructor(private readonly database: Database) {}

  /**
   * Applies events in order, under the locks of their rows.
   * @returns The breaker of each target afterwards.
   */
  async apply(events: TargetEvent[]): Promise<Map<string, BreakerAfter & Target>> {
    const byTarget = new Map<string, TargetEvent[]>();
    for (const event of events) byTarget.set(targetKey(event), [...(byTarget.get(targetKey(event)) ?? []), event]);
    const targets = [...byTarget.values()].map(([first]) => first!);
    const after = new Map<string, BreakerAfter & Target>();
    await this.database.transaction(async (query) => {
      for (const { accountId, destination, now, ...before } of await lockAll(query, targets)) {
        const key = targetKey({ accountId, destination });
        after.set(key, { accountId, destination, ...appliedTo(before, byTarget.get(key)!, now) });
      }
      await write(query, [...after.values()]);
      return true;
    });
    return after;
  }

  /**
   * Deletes up to `limit` breakers without an event for `idleMs` and without pending callbacks.
   * @returns Their number.
   */
  async forgetIdle(idleMs: number, limit: number): Promise<number> {
    return (await this.database.query({ name: 'destination_forget_idle', text: FORGET_IDLE }, [idleMs, limit])).length;
  }
}

/** Locks the rows of targets in their order, after inserting those that are missing. */
async function lockAll(query: Query, targets: Target[]): Promise<LockedBreaker[]> {
  const columns = targetColumns(targets);
  const lock = () => query<LockedBreaker>({ name: 'destination_lock', text: LOCK }, columns);
  const known = await lock();
  if (known.length === targets.length) return known;
  await query({ name: 'destination_add', text: ADD }, columns);
  return lock();
}

function appliedTo(before: Breaker, events: TargetEvent[], now: Date): BreakerAfter {
  let state = before;
  let isGranted = false;
  for (const { event } of events) {
    const next = breaker(state, event, now);
    if (event === 'probe') isGranted = next !== state;
    state = next;
  }
  return { ...state, isGranted };
}

async function write(query: Query, states: (Breaker & Target)[]): Promise<void> {
  await query({ name: 'destination_write', text: WRITE }, [
    ...targetColumns(states),
    states.map(({ state }) => state),
    states.map(({ failures }) => failures),
    states.map(({ openings }) => openings),
    states.map(({ openedAt }) => openedAt),
    states.map(({ openUntil }) => openUntil),
  ]);
}
