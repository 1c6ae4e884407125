import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { DeliveryStore, DueDelivery, StreamHead } from '../src/callbacks/delivery.store.js';
import { HOLDER } from '../src/holder.js';
import { GatedDatabase, LEASE_MS, Stores, attemptAt, batchOf, openStores } from './support/stores.js';

/** The promise: a stream is sent by one worker at a time and in order; retries, when due, on their own. */
let one: Stores;
let ordered: DeliveryStore;
/** The same as another process has it. */
let elsewhere: DeliveryStore;

beforeAll(async () => {
  one = await openStores();
  ordered = one.deliveries();
  elsewhere = (await Stores.open(one.url)).deliveries();
});

afterEach(() => one.sql('TRUNCATE lanes, requests CASCADE'));

const START = { lane: '', destination: '' };
const A = 'http://a.test';
const B = 'http://b.test';

/** So many requests of a lane are finished, and owe their callbacks to these destinations in turn. */
async function owe(lane: string, count: number, ...destinations: string[]): Promise<void> {
  for (let n = 0; n < count; n++)
    await one.accept(lane, 1, { callbackUrl: `${destinations[n % destinations.length]}/` });
  const held = await one.lease();
  await one.jobs.complete(held, batchOf(await one.jobs.begin(held, count), { release: true }), LEASE_MS);
}

const leaseStreams = (store = ordered): Promise<StreamHead[]> => store.leaseStreams(START, [], 9, LEASE_MS);
const leaseSingles = (store = ordered): Promise<DueDelivery[]> => store.leaseSingles([], 9, LEASE_MS);
const named = (heads: StreamHead[]): string[] =>
  heads.map(({ lane, destination, queuePosition }) => `${lane} ${destination} ${queuePosition}`).toSorted();
const endLeases = (): Promise<unknown> =>
  one.sql(`UPDATE callback_deliveries SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL`);
const makeDue = (): Promise<unknown> => one.sql(`UPDATE callback_deliveries SET next_attempt_at = now()`);

/** The first of a lane's deliveries, leased with its stream. */
async function takeFirst(count = 9, store = ordered): Promise<DueDelivery[]> {
  const [head] = await leaseStreams(store);
  return store.readStream(head!, 0, count);
}

const inAnHour = (): Date => new Date(Date.now() + 3_600_000);

/** An attempt that failed; the next one is due then. */
function failedAt(delivery: DueDelivery, nextAttemptAt: Date): ReturnType<typeof attemptAt> {
  return attemptAt(delivery, { status: 'PENDING', nextAttemptAt });
}

describe('a stream', () => {
  it('is leased by its head, for each lane and destination', async () => {
    await owe('x', 4, A, B);
    await owe('y', 2, A);
    expect(named(await leaseStreams())).toEqual([`x ${A} 1`, `x ${B} 2`, `y ${A} 1`]);
  });

  it('is leased once, however many ask at the same time', async () => {
    for (const lane of ['x', 'y', 'z']) await owe(lane, 3, A, B);
    const asked = Array.from({ length: 12 }, (_, index) => leaseStreams(index % 2 ? ordered : elsewhere));
    const leased = named((await Promise.all(asked)).flat());
    expect(leased).toHaveLength(6);
    expect(new Set(leased).size).toBe(6);
    expect(await leaseStreams()).toEqual([]);
  });

  it('is read in order, from a position on', async () => {
    await owe('x', 5, A, B);
    const [head] = await leaseStreams();
    const read = async (from: number): Promise<number[]> =>
      (await ordered.readStream(head!, from, 2)).map(({ queuePosition }) => queuePosition);
    expect(await read(0)).toEqual([1, 3]);
    expect(await read(4)).toEqual([5]);
  });

  it('stays leased while it goes on: the lease moves to the next with the record', async () => {
    await owe('x', 3, A);
    const [first, second, third] = await takeFirst();
    await ordered.record([attemptAt(first!)], [second!.id], LEASE_MS);
    expect(await leaseStreams(elsewhere)).toEqual([]);
    await ordered.record([attemptAt(second!)], [third!.id], LEASE_MS);
    expect(await leaseStreams(elsewhere)).toEqual([]);
    await ordered.record([attemptAt(third!)], [], LEASE_MS);
    const rows = await one.sql('SELECT status, attempts, lease_holder FROM callback_deliveries');
    expect(rows).toEqual(Array.from({ length: 3 }, () => ({ status: 'SUCCESS', attempts: 1, lease_holder: null })));
  });

  it('is taken again from where it stood when its holder fell silent', async () => {
    await owe('x', 3, A);
    const [first, second] = await takeFirst();
    await ordered.record([attemptAt(first!)], [second!.id], LEASE_MS);
    expect(await elsewhere.holdersOnThisHost()).toEqual([HOLDER]);
    await endLeases();
    expect(named(await leaseStreams(elsewhere))).toEqual([`x ${A} 2`]);
    await elsewhere.expire([HOLDER]);
    expect(named(await leaseStreams())).toEqual([`x ${A} 2`]);
  });

  it('is given back, renewed, and left alone while its destination is busy', async () => {
    await owe('x', 2, A, B);
    const heads = await leaseStreams();
    const ids = heads.map(({ id }) => id);
    await endLeases();
    expect(await ordered.renew(ids, LEASE_MS)).toEqual(new Set(ids));
    expect(await leaseStreams(elsewhere)).toEqual([]);
    await ordered.release(ids);
    expect(await ordered.renew(ids, LEASE_MS)).toEqual(new Set());
    expect(named(await elsewhere.leaseStreams(START, [A], 9, LEASE_MS))).toEqual([`x ${B} 2`]);
  });

  it('has its turn after the ones before it', async () => {
    for (const lane of ['x', 'y', 'z']) await owe(lane, 1, A);
    const turns: string[] = [];
    let last: Pick<StreamHead, 'lane' | 'destination'> = START;
    for (let i = 0; i < 5; i++) {
      const [head] = await ordered.leaseStreams(last, [], 1, LEASE_MS);
      turns.push(head!.lane);
      last = head!;
      await ordered.release([head!.id]);
    }
    expect(turns).toEqual(['x', 'y', 'z', 'x', 'y']);
  });
});

describe('a retry', () => {
  it('is leased when it is due, and by one', async () => {
    await owe('x', 1, A);
    const [first] = await takeFirst();
    await ordered.record([failedAt(first!, inAnHour())], [], LEASE_MS);
    expect([...(await leaseSingles()), ...(await leaseStreams())]).toEqual([]);
    expect(await ordered.nextRetryInMs()).toBeGreaterThan(3_500_000);
    await makeDue();
    expect(await ordered.nextRetryInMs()).toBeLessThanOrEqual(0);
    const leased = await Promise.all([ordered, elsewhere, ordered, elsewhere].map(leaseSingles));
    expect(leased.flat()).toMatchObject([{ id: first!.id, attempts: 1 }]);
    expect(await ordered.nextRetryInMs()).toBeNull();
    await endLeases();
    expect(await leaseSingles(elsewhere)).toMatchObject([{ id: first!.id }]);
  });

  it('holds up nobody behind it', async () => {
    await owe('x', 2, A);
    const [first, second] = await takeFirst();
    await ordered.record([failedAt(first!, inAnHour())], [second!.id], LEASE_MS);
    await ordered.release([second!.id]);
    expect(named(await leaseStreams())).toEqual([`x ${A} 2`]);
  });

  it('holds up what is behind it when the order is strict', async () => {
    const strict = (await Stores.open(one.url)).deliveries('strict');
    await owe('x', 2, A);
    const [first] = await takeFirst(9, strict);
    await strict.record([failedAt(first!, inAnHour())], [], LEASE_MS);
    expect([...(await leaseStreams(strict)), ...(await leaseSingles(strict))]).toEqual([]);
    await makeDue();
    expect(named(await leaseStreams(strict))).toEqual([`x ${A} 1`]);
  });
});

describe('without an order', () => {
  it('every delivery is leased by itself, and once', async () => {
    const [here, there] = [one, await Stores.open(one.url)].map((stores) => stores.deliveries('unordered'));
    await owe('x', 5, A);
    expect(await leaseStreams(here)).toEqual([]);
    const leased = (
      await Promise.all([here, there, here, there].map((store) => store!.leaseSingles([], 2, LEASE_MS)))
    ).flat();
    const rest = await leaseSingles(here);
    expect([...leased, ...rest].map(({ queuePosition }) => queuePosition).toSorted((a, b) => a - b)).toEqual([
      1, 2, 3, 4, 5,
    ]);
  });
});

describe('a record', () => {
  it('counts once, whoever writes it again', async () => {
    await owe('x', 1, A);
    const [first] = await takeFirst();
    await ordered.record([failedAt(first!, inAnHour())], [], LEASE_MS);
    const before = await one.sql('SELECT * FROM callback_deliveries');
    await elsewhere.record([attemptAt(first!)], [], LEASE_MS);
    expect(await one.sql('SELECT * FROM callback_deliveries')).toEqual(before);
  });

  it('takes no delivery from somebody else who has it by now', async () => {
    await owe('x', 2, A);
    const [first, second] = await takeFirst();
    const lease = `UPDATE callback_deliveries SET lease_holder = 'other', lease_until = 'infinity' WHERE id = $1`;
    await one.sql(lease, [second!.id]);
    await ordered.record([attemptAt(first!)], [second!.id], LEASE_MS);
    const [row] = await one.sql('SELECT lease_holder FROM callback_deliveries WHERE id = $1', [second!.id]);
    expect(row).toEqual({ lease_holder: 'other' });
    expect(await ordered.renew([second!.id], LEASE_MS)).toEqual(new Set());
  });

  it('of a batch is written with its log, whole or not at all', async () => {
    await owe('x', 2, A);
    const [first, second] = await takeFirst();
    const broken = attemptAt(second!);
    const batch = [attemptAt(first!), { ...broken, log: { ...broken.log, url: null as unknown as string } }];
    await expect(ordered.record(batch, [], LEASE_MS)).rejects.toThrow('null value');
    expect(await one.sql('SELECT id FROM callback_logs')).toEqual([]);
    expect((await leaseStreams(elsewhere)).length + (await leaseSingles(elsewhere)).length).toBe(0);
    await ordered.record([attemptAt(first!), attemptAt(second!)], [], LEASE_MS);
    expect(await one.sql('SELECT id FROM callback_logs')).toHaveLength(2);
  });
});

describe('the order of locks', () => {
  it.each([
    [
      'renewing',
      (all: DueDelivery[]) =>
        ordered.renew(
          all.map(({ id }) => id),
          LEASE_MS,
        ),
    ],
    [
      'recording',
      (all: DueDelivery[]) =>
        ordered.record(
          all.map((delivery) => attemptAt(delivery)),
          [],
          LEASE_MS,
        ),
    ],
  ] as [string, (all: DueDelivery[]) => Promise<unknown>][])('is by id: %s', async (_, act) => {
    // The later ones come first in the table, as they do when rows were moved.
    await owe('x', 3, A);
    const all = (await takeFirst()).toReversed();
    await one.sql(`UPDATE callback_deliveries SET lease_holder = $1 WHERE id <> ALL ($2::uuid[])`, [
      HOLDER,
      [all[0]!.id],
    ]);
    await one.sql('UPDATE callback_deliveries SET lease_holder = $1', [HOLDER]);
    const holding = new GatedDatabase(one.dataSource, 9);
    let acting: Promise<unknown> = Promise.resolve();
    await holding.transaction(async (query) => {
      await query({ name: '', text: 'SELECT FROM callback_deliveries WHERE id = $1 FOR UPDATE' }, [all.at(-1)!.id]);
      acting = act(all);
      await one.untilBlocked(1);
      const [last] = all;
      await query({ name: '', text: 'SELECT FROM callback_deliveries WHERE id = $1 FOR UPDATE NOWAIT' }, [last!.id]);
      return true;
    });
    await acting;
    expect(await one.sql('SELECT id FROM callback_deliveries')).toHaveLength(3);
  });
});
