import { expect, it } from '@jest/globals';
import { NIL, v7 as uuidv7 } from 'uuid';
import { CallbackDelivery } from '../../../src/callbacks/deliveries/callback-delivery.entity.js';
import { CallbackDeliveryRepository } from '../../../src/callbacks/deliveries/callback-delivery.repository.js';
import { BreakerStore } from '../../../src/callbacks/destinations/breaker.store.js';
import {
  CallbackDestination,
  CallbackDisabledUrl,
} from '../../../src/callbacks/destinations/callback-destination.entity.js';
import { DestinationRepository } from '../../../src/callbacks/destinations/destination.repository.js';
import { nextNumber } from '../../../src/callbacks/leases/due-delivery.js';
import { type DueDestination, DueDestinationsStore } from '../../../src/callbacks/leases/due-destinations.store.js';
import { ExpiredLeasesStore } from '../../../src/callbacks/leases/expired-leases.store.js';
import { PostponementsStore } from '../../../src/callbacks/leases/postponements.store.js';
import { QueueLeasesStore } from '../../../src/callbacks/leases/queue-leases.store.js';
import { RetryLeasesStore } from '../../../src/callbacks/leases/retry-leases.store.js';
import { CallbackRedelivery } from '../../../src/callbacks/redelivery/callback-redelivery.entity.js';
import { RedeliveryRepository } from '../../../src/callbacks/redelivery/redelivery.repository.js';
import { type RedeliverySelection, RedeliveryStore } from '../../../src/callbacks/redelivery/redelivery.store.js';
import { FinishedRequestsStore } from '../../../src/requests/finished-requests.store.js';
import type { Explained } from './explained.js';
import { BIG_ACCOUNT, SMALL_ACCOUNT, SOME_ID } from './rows.js';

/** Sending callbacks, and sending them again. */
export function callbackPlans(explained: Explained): void {
  it.each(['ordered', 'strict', 'unordered'] as const)('sending callbacks: %s', (CALLBACK_ORDER) =>
    explained.expectCheap(async () => {
      const finished = new FinishedRequestsStore(explained.database);
      const due = {
        destinations: new DueDestinationsStore(explained.database, { CALLBACK_ORDER }),
        queues: new QueueLeasesStore(explained.database, finished, { CALLBACK_ORDER }),
        retries: new RetryLeasesStore(explained.database, finished),
      };
      const breakers = new BreakerStore(explained.database);
      const [target] = (await due.destinations.list()) as [DueDestination];
      const streams = await due.queues.lease(target, '', 8, 15_000);
      const lanes = streams.map(({ lane }) => lane);
      expect((await due.queues.read(target, lanes, 0, 64)).length).toBeGreaterThan(0);
      expect(await due.queues.start(streams[0]!, [streams[0]!.head], 15_000)).toBe(true);
      const retries = await due.retries.lease(target, 8, 15_000);
      expect(retries.length).toBeGreaterThan(0);
      const ids = retries.map(({ id }) => id);
      await due.retries.renew(ids, 15_000);
      await due.retries.release(ids);
      const [retry] = retries;
      const postponed = {
        deliveryId: retry!.id,
        attemptNumber: nextNumber(retry!),
        reason: 'No nameserver',
        retryAtMs: 0,
      };
      await new PostponementsStore(explained.database).postpone([postponed]);
      await due.queues.renew(
        streams.map(({ id }) => id),
        15_000,
      );
      const senders = new ExpiredLeasesStore(explained.database);
      await senders.workersOnThisHost();
      await senders.expire(['no such worker']);
      await senders.reapExpired();
      await due.queues.release(streams.map(({ id }) => id));
      await explained.database.query({
        name: '',
        text: `INSERT INTO callback_destinations (destination, state, opened_at)
        VALUES ('http://a.test:80', 'open', '-infinity') ON CONFLICT DO NOTHING`,
      });
      expect(await breakers.forgetIdle(-60_000, 500)).toBe(0);
      const destinations = new DestinationRepository(
        explained.dataSource.getRepository(CallbackDestination),
        explained.dataSource.getRepository(CallbackDisabledUrl),
      );
      const { accountId, destination } = target;
      await destinations.disable([{ url: 'http://a.test/gone', requestId: SOME_ID, accountId, destination }]);
      for (const account of [null, BIG_ACCOUNT]) {
        await destinations.list(account, { accountId: NIL, destination: '' }, 50);
        await destinations.enable(account, 'http://a.test/gone');
      }
      const store = new CallbackDeliveryRepository(explained.dataSource.getRepository(CallbackDelivery));
      for (const account of [null, BIG_ACCOUNT, SMALL_ACCOUNT]) {
        await store.list({ account, status: 'FAILED', limit: 50 });
        await store.list({ account, limit: 50 });
        await store.list({ account, since: new Date(), limit: 50 });
      }
      for (const to of ['http://a.test:80', 'http://nowhere.test:80']) {
        await store.list({ account: null, destination: to, limit: 50 });
        await store.list({ account: null, destination: to, status: 'FAILED', limit: 50 });
        await store.list({ account: null, destination: to, status: 'SUCCESS', since: new Date(), limit: 50 });
      }
    }),
  );

  it('deleting ended redeliveries and disabled URLs by age', async () => {
    const { database, dataSource, explainer } = explained;
    const old = `SELECT gen_random_uuid() AS id, now() - n * interval '1 minute' AS at FROM generate_series(1, 20000) n`;
    const added = [
      `INSERT INTO callback_redeliveries (id, status, until, matched, finished_at) SELECT id, 'COMPLETED', at, 0, at FROM (${old}) o`,
      `INSERT INTO callback_disabled_urls (id, url, destination, request_id, disabled_at)
        SELECT id, 'http://a.test/' || id, 'http://a.test:80', id, at FROM (${old}) o`,
      'ANALYZE callback_redeliveries, callback_disabled_urls',
    ];
    for (const text of added) await explainer.query(text);
    const repositories = [
      new RedeliveryRepository(dataSource.getRepository(CallbackRedelivery)),
      new DestinationRepository(
        dataSource.getRepository(CallbackDestination),
        dataSource.getRepository(CallbackDisabledUrl),
      ),
    ];
    for (const repository of repositories) {
      await explained.expectCheap(async () => {
        expect(await repository.removeExpired(3_600_000 * 24 * 365, 100)).toBe(0);
        expect(await repository.removeExpired(3_600_000, 100)).toBe(100);
      });
      expect(JSON.stringify(database.plans)).not.toContain('Seq Scan');
    }
    await explainer.query('TRUNCATE callback_redeliveries, callback_disabled_urls');
  });

  it.each([{}, { lane: 'lane-3' }, { status: 'FAILED' }, { q: 'a.test' }, { q: 'nowhere' }])(
    'sending the callbacks of the requests %j again',
    async (requests) => {
      const store = new RedeliveryStore(explained.database, { CALLBACK_REDELIVERY_RATE: null, SWEEP_INTERVAL: 2_000 });
      const jobs = new RedeliveryRepository(explained.dataSource.getRepository(CallbackRedelivery));
      const id = uuidv7();
      const every = { accountId: null, callbackStatus: null, destination: null, since: null, until: new Date() };
      await explained.expectCheap(async () => {
        await jobs.add({ id, ...every, requests, matched: 0 }, 20);
        await store.advance();
        await jobs.cancel(id);
      }, 12_000);
    },
  );

  const selections: Partial<RedeliverySelection>[] = [
    { status: 'FAILED' },
    { status: 'FAILED', destination: 'http://a.test:80' },
    { status: 'FAILED', destination: 'http://nowhere.test:80' },
    { status: 'SUCCESS', destination: 'http://a.test:80' },
    { status: 'SUCCESS', since: new Date() },
    { destination: 'http://nowhere.test:80' },
    { since: new Date() },
  ];
  it.each(selections)('sending %j again', async (selection) => {
    const rate = { limit: 1_000_000, windowMs: 60_000 };
    const store = new RedeliveryStore(explained.database, { CALLBACK_REDELIVERY_RATE: rate, SWEEP_INTERVAL: 2_000 });
    const id = uuidv7();
    const until = new Date(Date.now() + 60_000);
    // The query counts the matches, and 200 updates write to each index.
    await explained.expectCheap(() => store.count({ account: null, ...selection, until }, 1_000), 8_000);
    const jobs = new RedeliveryRepository(explained.dataSource.getRepository(CallbackRedelivery));
    const { status: callbackStatus = null, destination: to = null, since = null } = selection;
    await explained.expectCheap(async () => {
      await jobs.add({ id, accountId: null, callbackStatus, destination: to, since, until, matched: 0 }, 20);
      await jobs.countRunning(null);
      await jobs.find(id);
      await jobs.list(null, undefined, 50);
      await store.advance();
      await store.forgetPaces();
      await jobs.cancel(id);
    }, 12_000);
  });
}
