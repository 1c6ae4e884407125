/**
 * The stored bytes of an account are the sizes of its files after any completion or deletion, and for any
 * process that folds the changes. The bytes that a lane reserves are the estimates of its unfinished requests.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import type { NewRequest } from '../../src/jobs/accept/accept.store.js';
import { type Stores, LEASE_MS, batchOf, completionOf, newRequest, openStores } from '../support/stores.js';

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});

/** A new account with a lane. */
function tenant() {
  const account = uuidv7();
  const lane = `${account}/lane`;
  const accept = (bytes: number[], maxPending = 1_000) => {
    const requests = bytes.map((estimatedBytes) => newRequest(lane, { account, estimatedBytes }));
    return stores.accepting.accept(requests, maxPending, LEASE_MS);
  };
  const used = async () => (await stores.storage.read([account]))[0]!;
  const reserved = async () => {
    const text = 'SELECT reserved_bytes AS bytes FROM lanes WHERE name = $1';
    return (await stores.sql<{ bytes: number }>(text, [lane]))[0]!.bytes;
  };
  const idsOf = async (status: string) => {
    const text = 'SELECT id FROM requests WHERE account_id = $1 AND status = $2 ORDER BY id';
    return (await stores.sql<{ id: string }>(text, [account, status])).map(({ id }) => id);
  };
  /** Completes the first requests of the lane with files of these sizes; null fails a request. */
  const complete = async (sizes: (number | null)[]) => {
    await stores.sql('UPDATE lanes SET pending = pending, paused = name <> $1', [lane]);
    const lease = await stores.lease();
    expect(lease.name).toBe(lane);
    const jobs = (await stores.jobs.begin(lease, sizes.length)).slice(0, sizes.length);
    const completions = jobs.map((job, index) =>
      completionOf(job, { fileBytes: sizes[index]!, error: sizes[index] === null ? 'It failed' : null }),
    );
    expect((await stores.jobs.complete(lease, batchOf([], { completions, release: true }), LEASE_MS))?.size).toBe(
      sizes.length,
    );
  };
  return { account, lane, accept, used, reserved, idsOf, complete };
}

const keepFiles = () => Promise.resolve();

describe('the stored bytes of an account', () => {
  it('grow with completed requests, and shrink with deleted ones', async () => {
    const { accept, complete, used, idsOf } = tenant();
    await accept([10, 10, 10]);
    expect(await used()).toBe(0);
    await complete([7, null, 12]);
    expect(await used()).toBe(19);
    const [first] = await idsOf('COMPLETED');
    expect(await stores.removal.remove([first!, ...(await idsOf('FAILED'))], keepFiles)).toBe(2);
    expect(await used()).toBe(12);
    await stores.removal.remove(await idsOf('COMPLETED'), keepFiles);
    expect(await used()).toBe(0);
  });

  it('include files of sync requests, and of AUTH=open under a separate account', async () => {
    const { account, used } = tenant();
    const [openBefore] = await stores.storage.read([null]);
    for (const owner of [account, null]) {
      const [id] = await stores.accept(null, 1, { account: owner, estimatedBytes: 5 });
      const job = { id: id!, mode: 'sync', account: owner, leaseEpoch: 0, callbackUrl: null } as const;
      const completion = completionOf({ ...job, report: '', format: '', params: {}, queuePosition: 0, crashCount: 0 });
      await stores.sync.complete(
        { ...job, report: '', format: '', params: {}, queuePosition: 0, crashCount: 0 },
        completion,
      );
    }
    expect(await used()).toBe(5);
    expect(await stores.storage.read([null])).toEqual([openBefore! + 5]);
  });

  it('stay correct while several processes fold the changes and further changes happen', async () => {
    const { accept, complete, used } = tenant();
    await accept(Array.from({ length: 40 }, () => 1));
    const other = await (stores.constructor as typeof Stores).open(stores.url);
    for (let n = 0; n < 10; n++) {
      await Promise.all([complete([3, 3, 3, 3]), stores.storage.fold(), other.storage.fold()]);
      expect(await used()).toBe(12 * (n + 1));
    }
    while (await stores.storage.fold());
    await stores.storage.fold();
    expect(await stores.sql('SELECT id FROM account_storage_changes')).toEqual([]);
    expect(await used()).toBe(120);
  });

  it('are corrected from the requests, folded or not', async () => {
    const { account, accept, complete, used } = tenant();
    const gone = uuidv7();
    await accept([1, 1]);
    await complete([100]);
    await stores.storage.fold();
    await complete([11]);
    expect(await stores.storage.verify()).toEqual([]);
    expect(await used()).toBe(111);
    await stores.sql(`UPDATE account_storage SET bytes = bytes + 1000 WHERE account_id = $1`, [account]);
    await stores.sql(`INSERT INTO account_storage_changes (account_id, bytes) VALUES ($1, -70), ($2, 8)`, [
      account,
      gone,
    ]);
    const drifts = await stores.storage.verify();
    expect(drifts).toHaveLength(2);
    expect(drifts).toEqual(
      expect.arrayContaining([
        { account, drift: -930 },
        { account: gone, drift: -8 },
      ]),
    );
    expect([await used(), ...(await stores.storage.read([gone]))]).toEqual([111, 0]);
    expect(await stores.storage.verify()).toEqual([]);
  });
});

describe('the reserved bytes of a lane', () => {
  it('are the estimates of its unfinished requests', async () => {
    const { accept, complete, reserved, idsOf } = tenant();
    await accept([5, 20]);
    await accept([300, 4_000]);
    expect(await reserved()).toBe(4_325);
    await complete([1_000_000]);
    expect(await reserved()).toBe(4_320);
    const [pending] = await idsOf('PENDING');
    expect(await stores.jobs.cancel(pending!, uuidv7(), null)).toBe(true);
    expect(await reserved()).toBe(4_300);
    await complete([1, null]);
    expect(await reserved()).toBe(0);
  });

  it('do not include requests that the full lane refused', async () => {
    const { accept, reserved } = tenant();
    await accept([1, 20, 300], 2);
    expect(await reserved()).toBe(21);
    await accept([4_000], 2);
    expect(await reserved()).toBe(21);
    await accept([4_000, 50_000, 600_000], 4);
    expect(await reserved()).toBe(54_021);
  });

  it('do not include duplicates', async () => {
    const { account, lane, reserved } = tenant();
    const idempotency = { caller: account, scope: 's', key: 'k', fingerprint: 'f' };
    const keyed = (): NewRequest => newRequest(lane, { account, estimatedBytes: 7, idempotency });
    await stores.accepting.accept([keyed(), keyed()], 10, LEASE_MS);
    await stores.accepting.accept([keyed()], 10, LEASE_MS);
    expect(await reserved()).toBe(7);
  });
});
