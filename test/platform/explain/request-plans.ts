import { expect, it } from '@jest/globals';
import { NIL } from 'uuid';
import { LanePositionsRepository } from '../../../src/jobs/lanes/lane-positions.repository.js';
import { Lane } from '../../../src/jobs/lanes/lane.entity.js';
import { LaneRepository } from '../../../src/jobs/lanes/lane.repository.js';
import { ActionRecord } from '../../../src/requests/actions/action.entity.js';
import { ActionRepository } from '../../../src/requests/actions/action.repository.js';
import { FinishedRequestsStore } from '../../../src/requests/finished-requests.store.js';
import { RemovalStore } from '../../../src/requests/removal/removal.store.js';
import type { RequestSelection } from '../../../src/requests/search/request-selection.js';
import { requestCallbacks } from '../../support/stores.js';
import type { Explained } from './explained.js';
import { keyed, keys, log, search } from './request-stores.js';
import { BIG_ACCOUNT, FINISHED, SMALL_ACCOUNT, SOME_ID } from './rows.js';

/** Has the same number of newer requests as `SOME_ID` has older ones. */
const MIRRORED_ID = `${(FINISHED - 0xff_ff).toString(16).padStart(8, '0')}-0000-7000-8000-000000000000`;

/** Reads a page of requests. @returns Their ids. */
async function page(
  explained: Explained,
  account: string | null,
  { beforeId, ...filter }: Partial<RequestSelection> & { beforeId?: string },
  limit = 51,
): Promise<string[]> {
  const { ids } = await search(explained).newest({ ...filter, account }, beforeId, limit);
  return (await log(explained).read(ids)).map(({ id }) => id);
}

/** Reading and deleting requests, and the log of actions. */
export function requestPlans(explained: Explained): void {
  it('recording, listing and deleting actions', () =>
    explained.expectCheap(async () => {
      const actions = new ActionRepository(explained.dataSource.getRepository(ActionRecord));
      for (const account of [null, BIG_ACCOUNT, SMALL_ACCOUNT]) {
        await actions.list({ account, limit: 50 });
        await actions.list({ account, action: 'key.create', limit: 50 });
        await actions.list({ account, target: 'target-7', limit: 50 });
        await actions.list({ account, since: new Date(), until: new Date(), limit: 50 });
      }
      expect(await actions.removeExpired(3_600_000 * 24 * 3_650, 1_000)).toBe(0);
      expect(await actions.removeExpired(3_600_000, 100)).toBe(100);
    }));

  const filters = [
    {},
    { beforeId: SOME_ID },
    { status: 'PENDING' as const },
    { status: 'FAILED' as const },
    { status: 'CANCELLED' as const },
    { mode: 'sync' as const },
    { mode: 'async' as const },
    { report: 'digest' },
    { report: 'nothing' },
    { lane: 'lane-3' },
    { lane: 'nowhere' },
    { lane: 'lane-3', status: 'COMPLETED' as const, beforeId: SOME_ID },
    { lane: 'lane-3', status: 'PENDING' as const },
    { createdFrom: new Date(0), createdTo: new Date(200_000) },
    { createdFrom: new Date(), status: 'FAILED' as const },
    { q: SOME_ID },
    { q: 'TRANS' },
    { q: 'http://a.test' },
    { q: 'nowhere' },
    { q: 'nowhere', status: 'FAILED' as const },
    { q: 'nowhere', lane: 'lane-3', beforeId: SOME_ID },
  ];
  it.each(filters)('listing %j', (filter) => explained.expectCheap(() => page(explained, null, filter)));

  it.each(filters)('listing %j of an account', (filter) =>
    explained.expectCheap(async () => {
      for (const account of [BIG_ACCOUNT, SMALL_ACCOUNT]) {
        const lane = filter.lane && `${account}/${filter.lane}`;
        await page(explained, account, { ...filter, ...(lane && { lane }) });
      }
    }),
  );

  it.each(filters)('listing %j, oldest first', ({ beforeId, ...filter }) =>
    explained.expectCheap(async () => {
      const afterId = beforeId && MIRRORED_ID;
      for (const account of [null, BIG_ACCOUNT, SMALL_ACCOUNT]) {
        const lane = filter.lane && (account === null ? filter.lane : `${account}/${filter.lane}`);
        await search(explained).oldest({ ...filter, account, ...(lane && { lane }) }, { afterId }, 51);
      }
    }),
  );

  it('looking at one, and at lanes', () =>
    explained.expectCheap(async () => {
      await log(explained).find(SOME_ID);
      const callbacks = requestCallbacks(explained.dataSource);
      await callbacks.states(await page(explained, null, {}, 200));
      await callbacks.newestAttempts(SOME_ID, 200);
      await callbacks.countAttempts(SOME_ID);
      await new LanePositionsRepository(explained.dataSource.getRepository(Lane)).jobsAhead('busy', 100);
      expect((await new FinishedRequestsStore(explained.database).find([SOME_ID])).size).toBe(1);
      const lanes = new LaneRepository(explained.dataSource.getRepository(Lane));
      await lanes.list(null, '', 100, true);
      expect(await lanes.list(SMALL_ACCOUNT, '', 100, true)).toHaveLength(7);
      await keys(explained).find(keyed('key-7'));
    }));

  it('deleting', () =>
    // Deleting 500 requests writes to each of their indexes.
    explained.expectCheap(async () => {
      const callbacks = requestCallbacks(explained.dataSource);
      const store = new RemovalStore(explained.database, callbacks);
      const removeFiles = () => Promise.resolve();
      const finished = async (account: string | null): Promise<string[]> =>
        (await search(explained).oldest({ account, isFinished: true }, { afterId: NIL }, 50)).ids;
      expect(await finished(SMALL_ACCOUNT)).toHaveLength(50);
      const found = await finished(null);
      // Callbacks that were sent again above are due.
      const due = await callbacks.findDue(found, explained.database.query);
      expect(due.size).toBeLessThan(found.length);
      expect(await store.remove(found, removeFiles)).toBe(found.length - due.size);
      const all = -3_600_000;
      const expired = await store.removeExpired(all, SOME_ID, 500, removeFiles);
      expect(expired?.nextAfterId).toBeTruthy();
      expect(expired?.removed.length).toBeGreaterThan(450);
      expect((await store.removeExpired(Date.now(), NIL, 500, removeFiles))?.removed).toEqual([]);
    }, 8_000));
}
