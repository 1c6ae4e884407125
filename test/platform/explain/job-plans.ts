import { expect, it } from '@jest/globals';
import { NIL, v7 as uuidv7 } from 'uuid';
import { AcceptStore } from '../../../src/jobs/accept/accept.store.js';
import { BacklogStore } from '../../../src/jobs/accept/backlog.store.js';
import { JobsStore } from '../../../src/jobs/lanes/jobs.store.js';
import { type LaneLease, LaneLeaseStore } from '../../../src/jobs/lanes/lane-lease.store.js';
import { LaneReaperStore } from '../../../src/jobs/lanes/reaping/lane-reaper.store.js';
import { SyncStore } from '../../../src/jobs/sync/sync.store.js';
import { WorkerLeasesStore } from '../../../src/jobs/workers/worker-leases.store.js';
import { Worker } from '../../../src/jobs/workers/worker.entity.js';
import { WorkerRepository } from '../../../src/jobs/workers/worker.repository.js';
import { StorageUsageStore } from '../../../src/requests/storage-usage/storage-usage.store.js';
import { batchOf, completionOf, newRequest } from '../../support/stores.js';
import { type Explained, FEW_BLOCKS, sorts } from './explained.js';
import { keyed, keys, search } from './request-stores.js';
import { BIG_ACCOUNT, SMALL_ACCOUNT, SOME_ID, WAITING } from './rows.js';

const CALLBACK = { callbackUrl: 'http://a.test/' };

/** Accepting and generating reports, in lanes and without. */
export function jobPlans(explained: Explained): void {
  it('accepting', () => {
    const batch = [
      newRequest('busy', CALLBACK),
      newRequest('busy', { ...CALLBACK, idempotency: keyed('key-5') }),
      newRequest('other', { ...CALLBACK, idempotency: keyed('new') }),
      newRequest(null, CALLBACK),
    ];
    return explained.expectCheap(() => new AcceptStore(explained.database).accept(batch, 1_000_000, 15_000));
  });

  it('leasing a lane, completing its requests, releasing it', () =>
    explained.expectCheap(async () => {
      const [store, leases] = [new JobsStore(explained.database), new LaneLeaseStore(explained.database)];
      const lane = (await leases.lease(15_000)) as LaneLease;
      const jobs = await store.begin(lane, 64);
      expect(jobs).toHaveLength(64);
      await store.readAfter(lane, 64, 64);
      const completions = jobs.map((job) => completionOf(job, { destination: 'http://a.test:80' }));
      expect((await store.complete(lane, batchOf([], { completions }), 15_000))?.size).toBe(64);
      await leases.renew([lane], 15_000);
      await leases.release(lane, 0);
    }));

  it('cancelling many', () =>
    // Each of 500 requests writes to the indexes of requests, deliveries and cancelled positions.
    explained.expectCheap(async () => {
      const store = new JobsStore(explained.database);
      const { ids } = await search(explained).oldest({ account: null, status: 'PENDING' }, { afterId: NIL }, 500);
      const pending = await store.findPending(ids);
      expect(pending).toHaveLength(500);
      const destination = 'http://a.test:80';
      const cancelled = pending.map(({ id }) => ({ id, deliveryId: uuidv7(), destination }));
      expect(await store.cancelAll(cancelled)).toBe(500);
    }, 40_000));

  it(`leasing the next of ${WAITING.toLocaleString('en')} waiting lanes`, async () => {
    const leases = new LaneLeaseStore(explained.database);
    await explained.expectCheap(async () => {
      for (let turn = 0; turn < 3; turn++) expect(await leases.lease(15_000)).not.toBeNull();
    }, FEW_BLOCKS);
    expect(explained.database.plans.filter(({ plan }) => sorts(plan))).toEqual([]);
  });

  it('leasing the next lane of a thousand accounts, one of which has paused most of its lanes', async () => {
    await explained.explainer.query(`INSERT INTO lanes (name, next_position, pending)
      SELECT md5((n % 1000)::text)::uuid || '/waiting-' || n, 2, 1 FROM generate_series(1, 5000) n`);
    await explained.explainer.query(`INSERT INTO lanes (name, next_position, pending, paused, served_at)
      SELECT '${BIG_ACCOUNT}/paused-' || n, 2, 1, true, now() - interval '1 day' FROM generate_series(1, 5000) n`);
    await explained.explainer.query('ANALYZE lanes');
    const leases = new LaneLeaseStore(explained.database);
    await explained.expectCheap(async () => {
      for (let turn = 0; turn < 40; turn++) expect(await leases.lease(15_000)).not.toBeNull();
      expect(await leases.findWaiting()).not.toBeNull();
      // Each of the 32 accounts costs one probe, three to five pages.
    }, 300);
    expect(explained.database.plans.filter(({ plan }) => sorts(plan))).toEqual([]);
    await explained.explainer.query(`DELETE FROM lanes WHERE name LIKE '%/waiting-%' OR name LIKE '%/paused-%'`);
  });

  it('sweeping', () =>
    explained.expectCheap(async () => {
      const leases = new WorkerLeasesStore(explained.database);
      await leases.findOnThisHost();
      await leases.findAll();
      const reaper = new LaneReaperStore(explained.database);
      const idle = await reaper.findIdle(-60_000, '', 500);
      expect(idle).toHaveLength(500);
      await reaper.findIdle(-60_000, idle.at(-1)!.name, 500);
      const unused = idle.flatMap(({ name, isUnused }) => (isUnused ? [name] : [])).slice(0, 100);
      await reaper.raiseFirstPositions(unused);
      await reaper.writers();
      expect(await reaper.reap(unused, -60_000)).toHaveLength(100);
      await leases.expire(['none']);
      await leases.clearCrashReports();
      await leases.drain();
      const sync = new SyncStore(explained.database);
      await sync.adopt(4, 15_000);
      await sync.release({ id: SOME_ID, leaseEpoch: 0 }, 0);
      await sync.renew([SOME_ID], 15_000);
      await keys(explained).removeExpired(86_400, 1_000);
      await new WorkerRepository(explained.dataSource.getRepository(Worker)).findAlive();
      await new BacklogStore(explained.database).countByAccount();
      const storage = new StorageUsageStore(explained.database);
      await storage.read([null, BIG_ACCOUNT, SMALL_ACCOUNT]);
      await storage.fold();
    }));
}
