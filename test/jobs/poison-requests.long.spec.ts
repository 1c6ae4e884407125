import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { WORKER_ID, DRAINING_SUFFIX } from '../../src/platform/concurrency/worker-id.js';
import type { Job } from '../../src/jobs/job.js';
import { type LaneLease, MOST_AHEAD } from '../../src/jobs/lanes/lane-lease.store.js';
import { get, post } from '../support/client.js';
import { createDatabase } from '../support/database.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { expectFirstArrivalsInOrder } from '../support/order-check.js';
import { startReceiver } from '../support/receiver.js';
import { redisUrl } from '../support/redis.js';
import { sql } from '../support/sql.js';
import { LEASE_MS, openStores, type Stores } from '../support/stores.js';
import { submitAsync, UNLIMITED } from '../support/submit.js';
import { REQUEST_TABLES } from '../support/tables.js';

/** A request that crashes its worker three times fails. No other request fails, and its lane continues. */
let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
beforeEach(() => stores.sql(`TRUNCATE lanes, ${REQUEST_TABLES} CASCADE`));

/** Leases a lane and starts its first request as a worker with this id, which then stalls. */
async function stallAs(workerId: string): Promise<{ lane: LaneLease; jobs: Job[] }> {
  const lane = await stores.lease();
  const jobs = await stores.jobs.begin(lane, 64);
  await stores.sql('UPDATE lanes SET leased_by = $2 WHERE name = $1', [lane.name, workerId]);
  await stores.endLease(lane.name);
  return { lane, jobs };
}

async function deathsInLane(): Promise<number[]> {
  const lane = await stores.lease();
  const jobs = await stores.jobs.begin(lane, 64);
  await stores.leases.release(lane, 0);
  return jobs.map((job) => job.crashCount);
}

describe('a crash', () => {
  it('counts against the one request that was begun, once for each worker', async () => {
    await stores.accept('x', 3);
    for (const name of ['a', 'b', 'b', 'a']) await stallAs(name);
    expect(await deathsInLane()).toEqual([2, 0, 0]);
    expect(await stores.statuses('x')).toEqual(['PENDING', 'PENDING', 'PENDING']);
  });

  it('is not counted when the lane was released, or when no request was begun under its lease', async () => {
    await stores.accept('x', 2);
    const lane = await stores.lease();
    await stores.jobs.begin(lane, 64);
    await stores.leases.release(lane, 0);
    expect(await deathsInLane()).toEqual([0, 0]);
    await stores.sql(`UPDATE lanes SET leased_by = 'a', lease_until = '-infinity'`);
    expect(await deathsInLane()).toEqual([0, 0]);
  });

  it('is not counted for a worker that leases its own lane again, or was draining', async () => {
    await stores.accept('x', 1);
    for (const name of [WORKER_ID, `a${DRAINING_SUFFIX}`]) await stallAs(name);
    expect(await deathsInLane()).toEqual([0]);
    await stores.lease();
    await stores.workerLeases.drain();
    expect(await stores.sql('SELECT leased_by FROM lanes')).toEqual([{ leased_by: WORKER_ID + DRAINING_SUFFIX }]);
  });

  it('is no longer counted when the worker resumes', async () => {
    await stores.accept('x', 1);
    for (const name of ['a', WORKER_ID]) await stallAs(name);
    await stores.sql(`UPDATE requests SET crashed_workers = ARRAY['a', $1]`, [WORKER_ID]);
    await stores.workerLeases.clearCrashReports();
    expect(await deathsInLane()).toEqual([1]);
    await stores.workerLeases.clearCrashReports();
    expect(await deathsInLane()).toEqual([1]);
  });

  it('of the worker of a sync request counts against that', async () => {
    const [id] = await stores.accept(null, 1);
    const adoptAfter = async (workerId: string | null): Promise<number> => {
      await stores.sql(`UPDATE requests SET leased_by = $1, lease_until = '-infinity'`, [workerId]);
      const [job] = await stores.sync.adopt(1, LEASE_MS);
      return job!.crashCount;
    };
    const counted = [];
    for (const workerId of [WORKER_ID, `a${DRAINING_SUFFIX}`, 'a', 'b', 'b', null])
      counted.push(await adoptAfter(workerId));
    expect(counted).toEqual([0, 0, 1, 2, 2, 2]);
    await stores.workerLeases.drain();
    expect(await stores.sync.renew([id!], LEASE_MS)).toEqual(new Set([id]));
    await stores.sql(`UPDATE requests SET leased_by = 'c'`);
    const [{ lease_epoch: leaseEpoch }] = (await stores.sql('SELECT lease_epoch FROM requests')) as [
      { lease_epoch: number },
    ];
    await stores.sync.release({ id: id!, leaseEpoch }, -1);
    expect((await stores.sync.adopt(1, LEASE_MS))[0]!.crashCount).toBe(2);
  });
});

describe('a lane whose worker lost its lease', () => {
  it('runs in isolation up to the last request that the worker may have started, even after completions and cancellations', async () => {
    const ids = await stores.accept('x', 300);
    const { lane, jobs } = await stallAs('a');
    expect(lane.isolateUntil).toBe(0);
    await stores.sql(`UPDATE requests SET status = 'COMPLETED' WHERE queue_position <= 10`);
    await stores.sql(`UPDATE requests SET status = 'CANCELLED' WHERE id = ANY ($1::uuid[])`, [ids.slice(20, 30)]);
    await stores.sql('UPDATE lanes SET pending = pending - 20');
    expect(jobs).toHaveLength(64);
    const isolated = await stores.lease();
    // The head is number 11, and of the 20 requests before number 31 ten are left.
    expect(isolated.isolateUntil).toBeGreaterThanOrEqual(11 + MOST_AHEAD + 10 - 1);
    expect(isolated.isolateUntil).toBeLessThan(11 + MOST_AHEAD + 20);
    expect(isolated.lostBy).toBe('a');
    await stores.accept('x', 50);
    await stores.leases.release(isolated, 0);
    expect(await stores.lease()).toMatchObject({ isolateUntil: isolated.isolateUntil, lostBy: null });
  });
});

/** A report that takes about a second, long enough to be observed. */
const POISON = { input_data: 'poison', iterations: 1_000_000 };

/** Starts a worker and kills it when it runs this request. Returns false if the request finished instead. */
async function killOneBy(id: string, api: Daybook, env: Record<string, string>): Promise<boolean> {
  const text =
    'SELECT status, started_at, coalesce(cardinality(crashed_workers), 0) AS "crashCount" FROM requests WHERE id = $1';
  const look = async () => (await sql(api, text, [id]))[0]!;
  const before = await look();
  const worker = await startDaybook({ role: 'worker', env });
  const { status } = await eventually(
    async () => {
      const now = await look();
      // Before this worker begins it, the row shows the previous worker's state. After three crashes it is begun, but
      // not run.
      const isBegunAnew = now.status === 'PROCESSING' && +now.started_at !== +(before.started_at ?? 0);
      const isBegun = isBegunAnew && now.crashCount < 3;
      return (isBegun || now.status === 'COMPLETED' || now.status === 'FAILED') && now;
    },
    { everyMs: 5 },
  );
  if (status !== 'PROCESSING') return false;
  worker.kill('SIGKILL');
  await worker.exited;
  return true;
}

describe('a request that kills its worker', () => {
  it('alone fails after three crashes; the lane continues and every callback arrives in order', async () => {
    const [database, redis, receiver] = await Promise.all([createDatabase(), redisUrl(), startReceiver()]);
    const env = { ...UNLIMITED, DATABASE_URL: database.url, REDIS_URL: redis, SWEEP_INTERVAL: '200ms' };
    const api = await startDaybook({ role: 'api', env });
    const accepted = await submitAsync(
      api.url,
      60,
      (index) => ({
        callback_url: receiver.url,
        ...(index === 20 ? POISON : { num_transactions: 5, report_name: `R${index}` }),
      }),
      1,
    );
    const { request_id: poison } = accepted[20]!;
    // The first worker is killed while it runs requests after the one marked as begun, so a harmless one may be
    // counted.
    const first = await startDaybook({ role: 'worker', env });
    await eventually(async () => (await sql(api, `SELECT FROM requests WHERE status = 'PROCESSING'`)).length > 0, {
      everyMs: 5,
    });
    first.kill('SIGKILL');
    await first.exited;
    let kills = 0;
    while (await killOneBy(poison, api, env)) kills++;
    // One less if it was already marked as begun when the first worker was killed.
    expect([2, 3]).toContain(kills);
    await eventually(() => new Set(receiver.received.map(({ json }) => json.request_id)).size === 60);
    expectFirstArrivalsInOrder(receiver.received, 60);
    const { json } = await get(api, `/api/requests/${poison}`);
    expect(json).toMatchObject({
      status: 'FAILED',
      error: 'Its worker process crashed three times while generating it',
    });
    const callback = receiver.received.find((receipt) => receipt.json.request_id === poison)!.json;
    expect(callback).toMatchObject({ type: 'report.failed', error: json.error });
    expect(await sql(api, `SELECT FROM requests WHERE status = 'COMPLETED'`)).toHaveLength(59);
    const blamed = await sql<{ crashCount: number }>(
      api,
      'SELECT cardinality(crashed_workers) AS "crashCount" FROM requests',
    );
    expect(blamed.filter(({ crashCount }) => crashCount > 1)).toEqual([{ crashCount: 3 }]);
    await database.drop();
  }, 240_000);

  it('fails as a sync request too, and a repeat with its key reports that', async () => {
    const database = await createDatabase();
    const env = { ...UNLIMITED, DATABASE_URL: database.url, SWEEP_INTERVAL: '200ms' };
    const ask = (to: Daybook) => post(to, '/api/sync', POISON, { 'idempotency-key': 'poison' });
    let daybook = await startDaybook({ env });
    const cut = ask(daybook).catch(() => 'cut');
    for (let count = 0; count < 3; count++) {
      await eventually(
        async () => (await sql(daybook, 'SELECT FROM requests WHERE lease_epoch = $1', [count])).length === 1,
        {
          everyMs: 5,
        },
      );
      daybook.kill('SIGKILL');
      await daybook.exited;
      daybook = await startDaybook({ env });
    }
    expect(await cut).toBe('cut');
    const answer = await eventually(async () => {
      const reply = await ask(daybook);
      return reply.status === 500 && reply;
    });
    expect(answer.json).toMatchObject({ detail: 'Its worker process crashed three times while generating it' });
    await database.drop();
  }, 240_000);
});
