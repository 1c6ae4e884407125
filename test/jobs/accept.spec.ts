import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { v7 as uuidv7 } from 'uuid';
import type { Job } from '../../src/jobs/job.js';
import type { LaneLease } from '../../src/jobs/lanes/lane-lease.store.js';
import type { Acceptance } from '../../src/jobs/accept/accept.store.js';
import { GatedDatabase, LEASE_MS, Stores, batchOf, completionOf, newRequest, openStores } from '../support/stores.js';
import { REQUEST_TABLES } from '../support/tables.js';

/** Positions have no gaps even if requests are refused, and a lane counts exactly its unfinished requests. */
let one: Stores;
let other: Stores;

beforeAll(async () => {
  one = await openStores();
  other = await Stores.open(one.url);
});

afterEach(() => one.sql(`TRUNCATE lanes, ${REQUEST_TABLES}, idempotency_keys CASCADE`));

const ROOMY = 1_000_000;
const keyed = (key: string) => ({ idempotency: { caller: 'open', scope: 'POST /api/async', key, fingerprint: 'f' } });
const positions = (acceptances: Acceptance[]): unknown[] =>
  acceptances.map((acceptance) => (acceptance.outcome === 'accepted' ? acceptance.queuePosition : acceptance.outcome));

async function positionsIn(lane: string): Promise<number[]> {
  const text = 'SELECT queue_position AS position FROM requests WHERE lane = $1 ORDER BY queue_position';
  return (await one.sql<{ position: number }>(text, [lane])).map(({ position }) => position);
}

const firstOf = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('positions', () => {
  it('have no gaps over batches that two processes write concurrently', async () => {
    const lanes = ['a', 'b', 'c', 'b', 'a'];
    // The batches start with different lanes: locking lanes in the order of a batch would deadlock.
    const turned = (by: number) => [...lanes.slice(by), ...lanes.slice(0, by)].map((lane) => newRequest(lane));
    const writes = Array.from({ length: 200 }, (_, index) =>
      (index % 2 ? one : other).accepting.accept(turned(index % 5), ROOMY, LEASE_MS),
    );
    await Promise.all(writes);
    expect(await positionsIn('a')).toEqual(firstOf(400));
    expect(await positionsIn('b')).toEqual(firstOf(400));
    expect(await positionsIn('c')).toEqual(firstOf(200));
  });

  it('are in commit order', async () => {
    await one.accept('x', 1);
    const first = new GatedDatabase(one.dataSource, 1);
    const accepted = first.transaction(async (query) => {
      await query({ name: '', text: `UPDATE lanes SET next_position = next_position + 1 WHERE name = 'x'` });
      return true;
    });
    await first.reached;
    const second = other.accepting.accept([newRequest('x')], ROOMY, LEASE_MS);
    await one.untilBlocked(1);
    expect(await positionsIn('x')).toEqual([1]);
    first.letOn();
    await accepted;
    expect(positions(await second)).toEqual([3]);
  });

  it('are assigned for each lane of a batch separately, in its order', async () => {
    await one.accept('b', 5);
    const batch = ['a', 'b', null, 'a', 'b'].map((lane) => newRequest(lane));
    const accepted = await one.accepting.accept(batch, ROOMY, LEASE_MS);
    expect(positions(accepted)).toEqual([1, 6, null, 2, 7]);
    expect(accepted.map((acceptance) => 'jobsAhead' in acceptance && acceptance.jobsAhead)).toEqual([0, 5, null, 1, 6]);
  });

  it('are not taken by duplicates, within a batch and between batches', async () => {
    const accept = (...keys: string[]): Promise<Acceptance[]> =>
      one.accepting.accept(
        keys.map((key) => newRequest('x', keyed(key))),
        ROOMY,
        LEASE_MS,
      );
    expect(positions(await accept('k1', 'k1', 'k2'))).toEqual([1, 'duplicate', 2]);
    expect(positions(await accept('k2', 'k3', 'k1'))).toEqual(['duplicate', 3, 'duplicate']);
    expect(await positionsIn('x')).toEqual([1, 2, 3]);
    expect(await one.pending('x')).toBe(3);
  });

  it('are not taken by requests over the limit of the lane', async () => {
    const accept = (count: number): Promise<Acceptance[]> =>
      one.accepting.accept(
        firstOf(count).map(() => newRequest('x')),
        3,
        LEASE_MS,
      );
    expect(positions(await accept(2))).toEqual([1, 2]);
    expect(positions(await accept(3))).toEqual([3, 'lane-full', 'lane-full']);
    expect(positions(await accept(1))).toEqual(['lane-full']);
    const lane = await one.lease();
    await one.jobs.complete(lane, batchOf((await one.jobs.begin(lane, 9)).slice(0, 1)), LEASE_MS);
    expect(positions(await accept(2))).toEqual([4, 'lane-full']);
  });

  it('are not taken by a batch that is refused as a whole', async () => {
    const acceptAll = (count: number): Promise<Acceptance[]> =>
      one.accepting.acceptAll(
        firstOf(count).map(() => newRequest('x')),
        3,
        LEASE_MS,
        () => Promise.resolve(true),
      );
    expect(positions(await acceptAll(2))).toEqual([1, 2]);
    expect(positions(await acceptAll(2))).toEqual([3, 'lane-full']);
    expect(positions(await acceptAll(1))).toEqual([3]);
    expect(await positionsIn('x')).toEqual([1, 2, 3]);
  });
});

describe('the pending count of a lane', () => {
  /** One worker and several callers on two lanes. A crash loses the worker's lease. */
  class House {
    private lane: LaneLease | null = null;
    private jobs: Job[] = [];

    accept = async (lane: string, count: number): Promise<void> => void (await one.accept(lane, count));

    take = async (): Promise<void> => {
      this.lane = await one.leases.lease(LEASE_MS);
      this.jobs = this.lane ? await one.jobs.begin(this.lane, 4) : [];
    };

    finish = async (count: number): Promise<void> => {
      if (!this.lane) return;
      const jobs = this.jobs.splice(0, count);
      const [next] = this.jobs;
      const begun = next ? { id: next.id, startedAt: new Date() } : null;
      const release = begun === null;
      await one.jobs.complete(this.lane, batchOf(jobs, { begun, release }), LEASE_MS);
      if (release) this.lane = null;
    };

    cancel = async (nth: number): Promise<void> => {
      const text = 'SELECT id FROM requests ORDER BY id LIMIT 1 OFFSET $1';
      const [request] = await one.sql<{ id: string }>(text, [nth]);
      if (request) await one.jobs.cancel(request.id, uuidv7(), null);
    };

    crash = async (): Promise<void> => {
      await one.sql(`UPDATE lanes SET lease_until = NULL`);
    };

    release = async (): Promise<void> => {
      if (this.lane) await one.leases.release(this.lane, 0);
      this.lane = null;
    };
  }

  async function expectTrueCounts(): Promise<void> {
    const text = `SELECT l.name FROM lanes l WHERE l.pending <> (SELECT count(*) FROM requests r
        WHERE r.lane = l.name AND r.status IN ('PENDING', 'PROCESSING'))
      OR l.next_position <> 1 + (SELECT count(*) FROM requests r WHERE r.lane = l.name)`;
    expect(await one.sql(text)).toEqual([]);
    const unfinished = await one.sql<{ lane: string; position: number; ahead: number }>(
      `SELECT lane, queue_position AS position, row_number() OVER (PARTITION BY lane ORDER BY queue_position) - 1 AS ahead
       FROM requests WHERE status IN ('PENDING', 'PROCESSING')`,
    );
    for (const { lane, position, ahead } of unfinished)
      expect(await one.positions.jobsAhead(lane, position)).toBe(ahead);
    // Cancelled positions that a lane has passed are deleted.
    const kept = `SELECT c.lane FROM cancelled_positions c JOIN lanes l ON l.name = c.lane WHERE l.pending = 0`;
    expect(await one.sql(kept)).toEqual([]);
  }

  const amount = fc.integer({ min: 1, max: 4 });
  const step = fc.oneof(
    fc.record({ act: fc.constant('accept' as const), lane: fc.constantFrom('a', 'b'), count: amount }),
    fc.record({ act: fc.constant('finish' as const), count: amount }),
    fc.record({ act: fc.constant('cancel' as const), nth: fc.nat(12) }),
    fc.record({ act: fc.constantFrom('take' as const, 'crash' as const, 'release' as const) }),
  );

  it('is right after any sequence of operations', async () => {
    const run = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      await one.sql(`TRUNCATE lanes, ${REQUEST_TABLES} CASCADE`);
      const house = new House();
      for (const taken of steps) {
        if (taken.act === 'accept') await house.accept(taken.lane, taken.count);
        else if (taken.act === 'finish') await house.finish(taken.count);
        else if (taken.act === 'cancel') await house.cancel(taken.nth);
        else await house[taken.act]();
        await expectTrueCounts();
      }
    });
    await fc.assert(run, { seed: 1, numRuns: 60 });
  });
});

describe('a sync request', () => {
  const silence = (): Promise<unknown> => one.sql(`UPDATE requests SET lease_until = now() - interval '1 second'`);
  const done = (job: Job) => completionOf(job);

  it('is leased from the start, and not adopted while its lease lasts', async () => {
    const [id] = await one.accept(null, 1);
    expect(await one.sql('SELECT status, lease_epoch FROM requests')).toEqual([
      { status: 'PROCESSING', lease_epoch: 0 },
    ]);
    expect(await other.sync.adopt(9, LEASE_MS)).toEqual([]);
    await silence();
    expect(await one.sync.renew([id!], LEASE_MS)).toEqual(new Set([id]));
    expect(await other.sync.adopt(9, LEASE_MS)).toEqual([]);
  });

  it('is adopted by one worker when its lease has expired', async () => {
    const ids = await one.accept(null, 3);
    await silence();
    const adopted = await Promise.all([one, other, one, other].map(({ sync }) => sync.adopt(2, LEASE_MS)));
    const rest = await one.sync.adopt(9, LEASE_MS);
    expect([...adopted.flat(), ...rest].map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    expect(new Set(adopted.flat().map(({ leaseEpoch }) => leaseEpoch))).toEqual(new Set([1]));
  });

  it('is completed by the worker that adopted it, not by the one that lost it', async () => {
    const [id] = await one.accept(null, 1, { callbackUrl: 'http://a.test/' });
    await silence();
    const [job] = await other.sync.adopt(1, LEASE_MS);
    const before = await one.snapshot();
    expect(await one.sync.complete({ ...job!, leaseEpoch: 0 }, done(job!))).toBeNull();
    expect(await one.snapshot()).toEqual(before);
    const completion = done(job!);
    expect(await other.sync.complete(job!, completion)).toEqual(new Set([id]));
    const after = await one.snapshot();
    expect(await other.sync.complete(job!, completion)).toEqual(new Set([id]));
    expect(await one.snapshot()).toEqual(after);
    expect(await one.sql('SELECT id FROM callback_deliveries')).toEqual([{ id: completion.deliveryId }]);
    expect(await one.sync.renew([id!], LEASE_MS)).toEqual(new Set());
  });
});
