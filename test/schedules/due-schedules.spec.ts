import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { AcceptStore } from '../../src/jobs/accept/accept.store.js';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';
import { type DueSchedule, DueSchedulesStore } from '../../src/schedules/due/due-schedules.store.js';
import { GatedDatabase, LEASE_MS, Stores, newRequest, openStores } from '../support/stores.js';

/** Two processes on one database. */
let one: Stores;
let two: Stores;
beforeAll(async () => {
  one = await openStores();
  two = await Stores.open(one.url);
});
beforeEach(() => one.sql('TRUNCATE schedules, schedule_runs, requests, lanes, cancelled_positions'));

const DAY_MS = 86_400_000;
const due = (stores: Stores): DueSchedulesStore => new DueSchedulesStore(stores.database);
const after = ({ nextDueAt }: DueSchedule): Date => new Date(nextDueAt.getTime() + DAY_MS);

/** Adds schedules that have been due for some minutes. */
const add = (count: number) =>
  one.sql(
    `INSERT INTO schedules (id, account_id, name, report, payload, every, at_time, timezone, lane, next_due_at, attempt_at)
      SELECT gen_random_uuid(), $1, 'n', 'digest', '{}', 'day', '06:00', 'UTC', 'x', at, at
      FROM generate_series(1, $2) n, LATERAL (SELECT now() - n * interval '1 minute' AS at) d`,
    [OPEN_INSTALLATION, count],
  );

/** Accepts the request of a due time. */
async function accept(on: DueSchedulesStore, accepting: AcceptStore, schedule: DueSchedule): Promise<boolean> {
  const request = newRequest('x');
  let isSettled = false;
  await accepting.acceptAll([request], 1_000, LEASE_MS, async (query) => {
    isSettled = await on.settle(
      schedule,
      { outcome: 'accepted', nextDueAt: after(schedule), requestId: request.id },
      query,
    );
    return isSettled;
  });
  return isSettled;
}

async function counts(): Promise<object> {
  const [row] = await one.sql(
    `SELECT (SELECT count(*)::integer FROM requests) AS requests, (SELECT count(*)::integer FROM schedule_runs) AS runs`,
  );
  return row!;
}

describe('a claim', () => {
  it('takes what no other worker has claimed, the longest due first', async () => {
    await add(5);
    const claims = await Promise.all([due(one).claim(2, LEASE_MS), due(two).claim(2, LEASE_MS)]);
    const rest = await due(two).claim(9, LEASE_MS);
    const ids = [...claims.flat(), ...rest].map(({ id }) => id);
    expect(new Set(ids).size).toBe(5);
    expect(await due(one).claim(9, LEASE_MS)).toEqual([]);
    const oldest = Math.max(...claims.flat().map(({ nextDueAt }) => nextDueAt.getTime()));
    expect(rest[0]!.nextDueAt.getTime()).toBeGreaterThan(oldest);
  });

  it('ends after its time, as after a crash', async () => {
    await add(1);
    await due(one).claim(1, 0);
    expect(await due(two).claim(1, LEASE_MS)).toHaveLength(1);
    expect(await due(two).nextAttemptInMs()).toBeGreaterThan(0);
  });
});

describe('a due time', () => {
  it('is accepted once, also by workers that claimed it one after the other', async () => {
    await add(1);
    const [first] = (await due(one).claim(1, 0)) as [DueSchedule];
    const [second] = (await due(two).claim(1, 0)) as [DueSchedule];
    const accepted = await Promise.all([
      accept(due(one), one.accepting, first),
      accept(due(two), two.accepting, second),
    ]);
    expect(accepted.filter(Boolean)).toHaveLength(1);
    expect(await counts()).toEqual({ requests: 1, runs: 1 });
    const [lane] = await one.sql('SELECT next_position, pending FROM lanes');
    expect(lane).toEqual({ next_position: 2, pending: 1 });
  });

  it('is accepted with its run, or neither, when the process crashes in between', async () => {
    await add(1);
    const [schedule] = (await due(one).claim(1, 0)) as [DueSchedule];
    for (const gate of [1, 2]) {
      const gated = new GatedDatabase(one.dataSource, gate);
      const accepting = accept(new DueSchedulesStore(gated), new AcceptStore(gated), schedule);
      await gated.reached;
      gated.kill();
      await accepting.catch(() => undefined);
      expect(await counts()).toEqual({ requests: 0, runs: 0 });
    }
    expect(await accept(due(two), two.accepting, schedule)).toBe(true);
    expect(await counts()).toEqual({ requests: 1, runs: 1 });
  });

  it('is not accepted when a caller has changed, turned off or deleted the schedule since', async () => {
    const changes = [
      'UPDATE schedules SET version = version + 1',
      'UPDATE schedules SET is_active = false, next_due_at = NULL, attempt_at = NULL, version = version + 1',
      'DELETE FROM schedules',
    ];
    for (const change of changes) {
      await one.sql('TRUNCATE schedules, schedule_runs');
      await add(1);
      const [schedule] = (await due(one).claim(1, LEASE_MS)) as [DueSchedule];
      await two.sql(change);
      expect(await accept(due(one), one.accepting, schedule)).toBe(false);
      await due(one).delay(schedule, 1, 'x');
      await due(one).moveOn(schedule, after(schedule));
    }
    expect(await counts()).toEqual({ requests: 0, runs: 0 });
  });

  it('has one run by a unique key, whatever the schedule says', async () => {
    await add(1);
    const [schedule] = (await due(one).claim(1, 0)) as [DueSchedule];
    expect(await accept(due(one), one.accepting, schedule)).toBe(true);
    await one.sql('UPDATE schedules SET next_due_at = $1, attempt_at = $1', [schedule.nextDueAt]);
    const again = accept(due(one), one.accepting, schedule);
    await expect(again).rejects.toMatchObject({ constraint: 'schedule_runs_due' });
    await due(one).moveOn(schedule, after(schedule));
    expect(await counts()).toEqual({ requests: 1, runs: 1 });
    expect(await due(one).claim(1, 0)).toEqual([]);
  });
});

it('the lag is the age of the oldest due time that is not settled', async () => {
  expect(await due(one).lagS()).toBe(0);
  await add(3);
  expect(await due(one).lagS()).toBeGreaterThanOrEqual(180);
  for (const schedule of await due(one).claim(9, LEASE_MS))
    await due(one).settle(schedule, { outcome: 'refused', nextDueAt: after(schedule), error: 'x' });
  expect(await due(one).lagS()).toBe(0);
});

it('runs are deleted when they are old', async () => {
  await add(1);
  const [{ id }] = (await due(one).claim(1, LEASE_MS)) as [DueSchedule];
  for (let count = 0; count < 3; count++) await due(one).addRun(one.database.query, OPEN_INSTALLATION, id, uuidv7());
  await one.sql(`UPDATE schedule_runs SET created_at = now() - number * interval '1 day'`);
  expect(await due(one).removeRuns(1.5 * DAY_MS, 10)).toBe(2);
  expect(await one.sql('SELECT number FROM schedule_runs')).toEqual([{ number: 1 }]);
});
