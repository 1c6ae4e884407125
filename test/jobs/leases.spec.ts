import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { WORKER_ID } from '../../src/platform/concurrency/worker-id.js';
import { JobsStore } from '../../src/jobs/lanes/jobs.store.js';
import type { LaneLease } from '../../src/jobs/lanes/lane-lease.store.js';
import { Lane } from '../../src/jobs/lanes/lane.entity.js';
import { LaneRepository } from '../../src/jobs/lanes/lane.repository.js';
import { GatedDatabase, LEASE_MS, Stores, batchOf, completionOf, openStores } from '../support/stores.js';
import { REQUEST_TABLES } from '../support/tables.js';

/** One worker at a time runs a lane, in order, and a worker that has lost its lease changes nothing. */
let one: Stores;
let other: Stores;

beforeAll(async () => {
  one = await openStores();
  other = await Stores.open(one.url);
});

afterEach(() => one.sql(`TRUNCATE lanes, ${REQUEST_TABLES} CASCADE`));

const CALLBACK = { callbackUrl: 'http://a.test/done' };

describe('a lane', () => {
  it('is leased by one worker at a time', async () => {
    await one.accept('x', 3);
    const tries = Array.from({ length: 16 }, (_, index) => (index % 2 ? one : other).leases.lease(LEASE_MS));
    const leased = (await Promise.all(tries)).filter((lane) => lane !== null);
    expect(leased).toMatchObject([{ name: 'x', epoch: 1 }]);
  });

  it('is not leased without work or while it is paused', async () => {
    await one.accept('x', 1);
    const lanes = new LaneRepository(one.dataSource.getRepository(Lane));
    await lanes.setPaused('x', true);
    expect(await one.leases.lease(LEASE_MS)).toBeNull();
    await lanes.setPaused('x', false);
    const lane = await one.lease();
    await one.jobs.complete(lane, batchOf(await one.jobs.begin(lane, 9), { release: true }), LEASE_MS);
    expect(await one.leases.lease(LEASE_MS)).toBeNull();
  });

  it('is leased by another worker under the next epoch when its lease has expired', async () => {
    await one.accept('x', 1);
    expect(await one.lease()).toMatchObject({ name: 'x', epoch: 1 });
    await one.endLease('x');
    expect(await other.lease()).toMatchObject({ name: 'x', epoch: 2 });
  });

  it('is leased by another worker at once when its worker is known to have exited', async () => {
    await one.accept('x', 1);
    await one.lease();
    expect(await other.workerLeases.findOnThisHost()).toEqual([WORKER_ID]);
    await other.workerLeases.expire(['another worker']);
    expect(await other.leases.lease(LEASE_MS)).toBeNull();
    await other.workerLeases.expire([WORKER_ID]);
    expect(await other.lease()).toMatchObject({ name: 'x', epoch: 2 });
  });

  it('starts no earlier than its last completion, even if clocks jump', async () => {
    await one.accept('x', 1);
    await one.sql(`UPDATE lanes SET last_completed_at = '2100-01-01T00:00:00Z'`);
    expect((await one.lease()).startedAt).toEqual(new Date('2100-01-01T00:00:00Z'));
  });

  it('is leased next when it has waited longest', async () => {
    for (const name of ['a', 'b', 'c']) await one.accept(name, 9);
    const turns: string[] = [];
    for (let i = 0; i < 9; i++) {
      const lane = await one.lease();
      turns.push(lane.name);
      await one.leases.release(lane, 0);
    }
    expect(turns.slice(3)).toEqual(turns.slice(0, 6));
    expect(new Set(turns.slice(0, 3)).size).toBe(3);
  });

  it('is not leased during the pause after its release', async () => {
    await one.accept('x', 1);
    await one.leases.release(await one.lease(), LEASE_MS);
    expect(await one.leases.lease(LEASE_MS)).toBeNull();
    await one.endLease('x');
    expect(await one.lease()).toMatchObject({ epoch: 2 });
  });

  it('is waited for while an accept locks its row, and other lanes are leased meanwhile', async () => {
    await one.accept('x', 1);
    await one.accept('y', 1);
    const accepting = new GatedDatabase(one.dataSource, 1);
    const accepted = accepting.transaction(async (query) => {
      await query({ name: '', text: `UPDATE lanes SET pending = pending WHERE name = 'x'` });
      return true;
    });
    await accepting.reached;
    expect(await other.lease()).toMatchObject({ name: 'y' });
    const leasing = other.lease();
    await one.untilBlocked(1);
    accepting.letOn();
    await accepted;
    expect(await leasing).toMatchObject({ name: 'x' });
  });
});

describe('the worker of a lane', () => {
  let lane: LaneLease;
  let ids: string[];

  const take = async (count: number): Promise<void> => {
    ids = await one.accept('x', count, CALLBACK);
    lane = await one.lease();
  };

  it('begins the first request and reads on in order', async () => {
    await take(5);
    const jobs = await one.jobs.begin(lane, 3);
    expect(jobs.map(({ id, queuePosition }) => [id, queuePosition])).toEqual(
      ids.slice(0, 3).map((id, n) => [id, n + 1]),
    );
    expect(await one.statuses('x')).toEqual(['PROCESSING', 'PENDING', 'PENDING', 'PENDING', 'PENDING']);
    expect((await one.jobs.readAfter(lane, 3, 9)).map(({ id }) => id)).toEqual(ids.slice(3));
  });

  it('completes requests, inserts their deliveries and begins the next request', async () => {
    await take(4);
    const jobs = await one.jobs.begin(lane, 9);
    const completions = [
      completionOf(jobs[0]!),
      completionOf(jobs[1]!, { result: null, error: 'It cannot be generated' }),
    ];
    const begun = { id: ids[2]!, startedAt: new Date() };
    const batch = batchOf([], { completions, begun });
    expect(await one.jobs.complete(lane, batch, LEASE_MS)).toEqual(new Set(ids.slice(0, 2)));
    expect(await one.statuses('x')).toEqual(['COMPLETED', 'FAILED', 'PROCESSING', 'PENDING']);
    expect(await one.pending('x')).toBe(2);
    const due = await one.sql('SELECT id, request_id, queue_position FROM callback_deliveries ORDER BY queue_position');
    expect(due).toEqual(
      [0, 1].map((n) => ({ id: completions[n]!.deliveryId, request_id: ids[n], queue_position: n + 1 })),
    );
    expect(await one.leases.lease(LEASE_MS)).toBeNull();
  });

  it('releases the lane and the request that it has begun with its last completion', async () => {
    await take(3);
    const [first] = await one.jobs.begin(lane, 9);
    await one.jobs.complete(lane, batchOf([first!], { begun: { id: ids[1]!, startedAt: new Date() } }), LEASE_MS);
    await one.jobs.complete(lane, batchOf([], { release: true }), LEASE_MS);
    expect(await one.statuses('x')).toEqual(['COMPLETED', 'PENDING', 'PENDING']);
    expect(await other.lease()).toMatchObject({ epoch: 2 });
  });

  it('releases the lane unfinished', async () => {
    await take(2);
    await one.jobs.begin(lane, 9);
    await one.leases.release(lane, 0);
    expect(await one.statuses('x')).toEqual(['PENDING', 'PENDING']);
    expect(await other.lease()).toMatchObject({ epoch: 2 });
  });

  it('keeps the lane by renewing it', async () => {
    await take(1);
    await one.endLease('x');
    expect(await one.leases.renew([lane], LEASE_MS)).toEqual([lane]);
    expect(await other.leases.lease(LEASE_MS)).toBeNull();
  });

  it('that lost the lease and took a new one holds only the new one', async () => {
    await take(1);
    await one.endLease('x');
    const newer = await one.lease();
    expect(await one.leases.renew([lane, newer], LEASE_MS)).toEqual([newer]);
  });

  it('may repeat a completion whose answer was lost', async () => {
    await take(2);
    const batch = batchOf([(await one.jobs.begin(lane, 1))[0]!], { release: true });
    const finished = new Set([ids[0]]);
    expect(await one.jobs.complete(lane, batch, LEASE_MS)).toEqual(finished);
    const before = await one.snapshot();
    expect(await one.jobs.complete(lane, batch, LEASE_MS)).toEqual(finished);
    expect((await one.snapshot()).slice(1)).toEqual(before.slice(1));
    expect(await one.pending('x')).toBe(1);
    // Its files are in use, even if another worker has leased the lane by then.
    await other.lease();
    expect(await one.jobs.complete(lane, batch, LEASE_MS)).toEqual(finished);
    expect(await one.pending('x')).toBe(1);
  });
});

describe('a worker that has lost its lease', () => {
  it.each([
    ['begins nothing', async (stale: LaneLease) => expect(await one.jobs.begin(stale, 9)).toEqual([])],
    ['renews nothing', async (stale: LaneLease) => expect(await one.leases.renew([stale], LEASE_MS)).toEqual([])],
    ['releases nothing', (stale: LaneLease) => one.leases.release(stale, LEASE_MS)],
    [
      'finishes nothing',
      async (stale: LaneLease) => {
        const jobs = await one.jobs.readAfter(stale, 0, 9);
        const batch = batchOf(jobs.slice(0, 2), { begun: { id: jobs[2]!.id, startedAt: new Date() } });
        expect(await one.jobs.complete(stale, batch, LEASE_MS)).toBeNull();
        expect(await one.jobs.complete(stale, { ...batch, release: true }, LEASE_MS)).toBeNull();
      },
    ],
  ] as [string, (stale: LaneLease) => Promise<void>][])('%s', async (_, act) => {
    await one.accept('x', 3, CALLBACK);
    const stale = await one.lease();
    await one.jobs.begin(stale, 9);
    await one.endLease('x');
    await other.jobs.begin(await other.lease(), 9);
    const before = await one.snapshot();
    await act(stale);
    expect(await one.snapshot()).toEqual(before);
  });

  it('rolls back its writes when it notices at the end', async () => {
    const ids = await one.accept('x', 2, CALLBACK);
    const stale = await one.lease();
    const jobs = await one.jobs.begin(stale, 9);
    const gated = new GatedDatabase(one.dataSource, 1);
    const completing = new JobsStore(gated).complete(stale, batchOf(jobs), LEASE_MS);
    await gated.reached; // The requests are written; the lane is not yet counted.
    await one.endLease('x');
    const beginning = other.jobs.begin(await other.lease(), 9);
    await one.untilBlocked(1);
    gated.letOn();
    expect(await completing).toBeNull();
    expect((await beginning).map(({ id }) => id)).toEqual(ids);
    expect(await one.statuses('x')).toEqual(['PROCESSING', 'PENDING']);
    expect(await one.pending('x')).toBe(2);
    expect(await one.sql('SELECT id FROM callback_deliveries')).toEqual([]);
  });
});

describe('a cancellation', () => {
  // It locks the request first and the lane's row second; a worker that arrives in between waits for it.
  it.each([1, 2])(
    'and the worker that begins the request do not wait for each other (after %d)',
    async (statements) => {
      const ids = await one.accept('x', 2);
      const lane = await one.lease();
      const gated = new GatedDatabase(other.dataSource, statements);
      const cancelling = new JobsStore(gated).cancel(ids[0]!, uuidv7(), null);
      await gated.reached;
      const beginning = one.jobs.begin(lane, 9);
      await one.untilBlocked(1);
      gated.letOn();
      expect(await cancelling).toBe(true);
      const jobs = await beginning;
      expect(await one.statuses('x')).toEqual(['CANCELLED', 'PENDING']);
      // The worker had read it before. Completing it changes nothing and is not counted.
      expect(await one.jobs.complete(lane, batchOf(jobs), LEASE_MS)).toEqual(new Set([ids[1]]));
      expect(await one.statuses('x')).toEqual(['CANCELLED', 'COMPLETED']);
      expect(await one.pending('x')).toBe(0);
    },
  );
});

describe('the order of locks', () => {
  it('is the same for releasing and for counting: the request first', async () => {
    const ids = await one.accept('x', 2);
    const lane = await one.lease();
    const [first] = await one.jobs.begin(lane, 9);
    const gated = new GatedDatabase(other.dataSource, 1);
    const completing = new JobsStore(gated).complete(lane, batchOf([first!]), LEASE_MS);
    await gated.reached; // The request is written; the lane is not yet counted.
    const releasing = one.leases.release(lane, 0);
    await one.untilBlocked(1);
    gated.letOn();
    expect(await completing).toEqual(new Set([ids[0]]));
    await releasing;
    expect(await one.statuses('x')).toEqual(['COMPLETED', 'PENDING']);
    expect(await other.lease()).toMatchObject({ epoch: 2 });
  });

  it('is kept by a worker that waits for a lane and finds it leased: it unlocks the row before it waits for the next', async () => {
    for (const name of ['b', 'a']) await one.accept(name, 1);
    const taking = new GatedDatabase(other.dataSource, 1);
    const taken = taking.transaction(async (query) => {
      const text = `UPDATE lanes SET leased_by = 'a', lease_until = 'infinity' WHERE name = 'b'`;
      await query({ name: '', text });
      return true;
    });
    const accepting = new GatedDatabase(other.dataSource, 1);
    const touch = (name: string) => ({ name: '', text: `UPDATE lanes SET pending = pending WHERE name = '${name}'` });
    const accepted = accepting.transaction(async (query) => {
      await query(touch('a'));
      await query(touch('b'));
      return true;
    });
    await Promise.all([taking.reached, accepting.reached]);
    const leasing = one.lease();
    await other.untilBlocked(1); // By b, which has waited longest.
    taking.letOn();
    await taken;
    await other.untilBlocked(1); // By a.
    accepting.letOn();
    expect(await accepted).toBe(true);
    expect(await leasing).toMatchObject({ name: 'a' });
  });

  it.each([
    ['renewing lanes', (lanes: LaneLease[]) => one.leases.renew(lanes, LEASE_MS)],
    ['expiring the leases of a crashed worker', () => one.workerLeases.expire([WORKER_ID])],
    ['draining', () => one.workerLeases.drain()],
  ])('is by name, as in an accept: %s', async (_, act) => {
    for (const name of ['b', 'a']) await one.accept(name, 1);
    const lanes = [await one.lease(), await one.lease()].sort((x, y) => y.name.localeCompare(x.name));
    await other.whileLocked(`lanes WHERE name = 'a'`, () => act(lanes), `lanes WHERE name = 'b'`);
    expect(await one.sql(`SELECT name FROM lanes`)).toHaveLength(2);
  });

  it.each([
    ['renewing', (ids: string[]) => one.sync.renew(ids, LEASE_MS)],
    ['expiring the leases of a crashed worker', () => one.workerLeases.expire([WORKER_ID])],
    ['draining', () => one.workerLeases.drain()],
  ])('of sync requests is by id: %s', async (_, act) => {
    const ids = (await one.accept(null, 2)).toSorted().toReversed();
    const [free, held] = ids.map((id) => `requests WHERE id = '${id}'`);
    // It is last in the table now, and its lease expires last.
    await one.sql(`UPDATE ${held!.replace('WHERE', `SET lease_until = lease_until + interval '1 second' WHERE`)}`);
    await other.whileLocked(held!, () => act(ids), free!);
    expect(await one.sql(`SELECT FROM requests WHERE status = 'PROCESSING'`)).toHaveLength(2);
  });
});
