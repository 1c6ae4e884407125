import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { CallbackLogRepository } from '../../src/callbacks/deliveries/callback-log.repository.js';
import type { DeliveryStore } from '../../src/callbacks/deliveries/delivery.store.js';
import type { DueDelivery, DueStore, Stream } from '../../src/callbacks/dispatch/due.store.js';
import { DispatchLeasesStore } from '../../src/callbacks/dispatch/dispatch-leases.store.js';
import { WORKER_ID } from '../../src/platform/concurrency/worker-id.js';
import { LEASE_MS, Stores, attemptAt, batchOf, openStores } from '../support/stores.js';
import { REQUEST_TABLES } from '../support/tables.js';

/** The promise: a stream is sent by one worker at a time and in order; retries, when due, on their own. */
let one: Stores;
let ordered: DueStore;
let deliveries: DeliveryStore;
let attemptLogs: CallbackLogRepository;
/** The same as another process has it. */
let elsewhere: DueStore;
let senders: DispatchLeasesStore;

beforeAll(async () => {
  one = await openStores();
  ordered = one.due();
  deliveries = one.deliveries();
  attemptLogs = one.logs();
  const other = await Stores.open(one.url);
  elsewhere = other.due();
  senders = new DispatchLeasesStore(other.database);
});

afterEach(() => one.sql(`TRUNCATE lanes, ${REQUEST_TABLES}, callback_queues, callback_disabled_urls CASCADE`));

const A = 'http://a.test';
const B = 'http://b.test';

/** So many requests of a lane are finished, and owe their callbacks to these destinations in turn. */
async function owe(lane: string, count: number, ...destinations: string[]): Promise<void> {
  for (let n = 0; n < count; n++)
    await one.accept(lane, 1, { callbackUrl: `${destinations[n % destinations.length]}/` });
  const held = await one.lease();
  await one.jobs.complete(held, batchOf(await one.jobs.begin(held, count), { release: true }), LEASE_MS);
}

const take = (destination: string, store = ordered): Promise<Stream[]> =>
  store.takeStreams(destination, '', 9, LEASE_MS);
const takeAll = async (store = ordered): Promise<Stream[]> =>
  (await Promise.all((await store.destinations()).map(({ destination }) => take(destination, store)))).flat();
const leaseRetries = (store = ordered, destination = A): Promise<DueDelivery[]> =>
  store.leaseRetries(destination, 9, LEASE_MS);
const named = (streams: Stream[]): string[] =>
  streams.map(({ lane, destination }) => `${lane} ${destination}`).toSorted();
const endLeases = (): Promise<unknown> =>
  one.sql(`WITH s AS (UPDATE callback_queues SET lease_until = now() - interval '1 second')
    UPDATE callback_deliveries SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL`);
const makeDue = (): Promise<unknown> => one.sql(`UPDATE callback_deliveries SET next_attempt_at = now()`);
const positions = (read: DueDelivery[]): number[] => read.map(({ queuePosition }) => queuePosition);

/** The first of a stream's deliveries, and the stream, which is held now. */
async function takeFirst(count = 9, store = ordered): Promise<[Stream, DueDelivery[]]> {
  const [stream] = await take(A, store);
  return [stream!, await store.readStreams(A, [stream!.lane], 0, count)];
}

/** Puts on record that these are on their way. */
const start = (stream: Stream, sent: DueDelivery[], store = ordered): Promise<boolean> =>
  store.start(
    stream,
    sent.map(({ id, attempts, unknown }) => ({ id, number: attempts + unknown + 1 })),
    LEASE_MS,
  );

const logs = (): Promise<{ number: number; success: boolean | null; trigger: string }[]> =>
  one.sql('SELECT attempt_number AS number, success, trigger FROM callback_logs ORDER BY attempt_number');

const inMs = (ms: number): number => performance.now() + ms;
const inAnHour = (): number => inMs(3_600_000);

/** An attempt that failed; the next one is due then. */
function failedAt(delivery: DueDelivery, retryAtMs: number): ReturnType<typeof attemptAt> {
  return attemptAt(delivery, { status: 'PENDING', retryAtMs });
}

describe('a destination', () => {
  it('is due when something stands in line or a retry waits, and says when', async () => {
    await owe('x', 4, A, B);
    expect(await ordered.destinations()).toMatchObject([
      { destination: A, hasLine: true, retryInMs: null, breaker: { state: 'closed', failures: 0 } },
      { destination: B, hasLine: true, retryInMs: null },
    ]);
    const [stream, [first, second]] = await takeFirst();
    await attemptLogs.record([attemptAt(first!), failedAt(second!, inAnHour())]);
    await ordered.releaseStreams([stream.id]);
    const [a] = await ordered.destinations();
    expect(a).toMatchObject({ destination: A, hasLine: false });
    expect(a!.retryInMs).toBeGreaterThan(3_500_000);
    await makeDue();
    expect((await ordered.destinations())[0]!.retryInMs).toBeLessThanOrEqual(0);
    await leaseRetries();
    expect((await ordered.destinations()).map(({ destination }) => destination)).toEqual([B]);
  });

  it('is due after the wait of its retry, however the wall clock jumps before that is on record', async () => {
    await owe('x', 1, A);
    const [stream, [first]] = await takeFirst();
    const jump = jest.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000);
    await attemptLogs.record([failedAt(first!, inMs(5_000))]);
    jump.mockRestore();
    await ordered.releaseStreams([stream.id]);
    expect((await ordered.destinations())[0]!.retryInMs).toBeLessThanOrEqual(5_000);
  });
});

describe('a stream', () => {
  it('is taken for each lane and destination', async () => {
    await owe('x', 4, A, B);
    await owe('y', 2, A);
    expect(named(await takeAll())).toEqual([`x ${A}`, `x ${B}`, `y ${A}`]);
  });

  it('is taken once, however many ask at the same time', async () => {
    for (const lane of ['x', 'y', 'z']) await owe(lane, 3, A, B);
    const asked = Array.from({ length: 12 }, (_, index) => takeAll(index % 2 ? ordered : elsewhere));
    const taken = named((await Promise.all(asked)).flat());
    expect(taken).toHaveLength(6);
    expect(new Set(taken).size).toBe(6);
    expect(await takeAll()).toEqual([]);
  });

  it('is read in order, from a position on, and its head counts as started', async () => {
    await owe('x', 5, A, B);
    const [stream, read] = await takeFirst(2);
    expect(positions(read)).toEqual([1, 3]);
    expect(stream.head).toEqual({ id: read[0]!.id, number: 1 });
    expect(positions(await ordered.readStreams(A, ['x'], 4, 2))).toEqual([5]);
  });

  it('is read together with others, each in its order', async () => {
    await owe('x', 3, A);
    await owe('y', 3, A);
    const read = await ordered.readStreams(A, ['x', 'y'], 2, 2);
    expect(read.map(({ lane, queuePosition }) => `${lane}${queuePosition}`)).toEqual(['x2', 'x3', 'y2', 'y3']);
  });

  it('goes on where it stood when its holder fell silent: what was begun is known to be', async () => {
    await owe('x', 4, A);
    const [stream, [first, second, third]] = await takeFirst();
    expect(await start(stream, [first!, second!, third!])).toBe(true);
    await attemptLogs.record([attemptAt(first!)]);
    await endLeases();
    expect(await take(A, elsewhere)).toEqual([]);
    await senders.reapExpired();
    expect(await logs()).toEqual([
      { number: 1, success: true, trigger: 'first' },
      { number: 1, success: null, trigger: 'first' },
      { number: 1, success: null, trigger: 'first' },
    ]);
    const [again, read] = await takeFirst(9, elsewhere);
    expect(again.head).toEqual({ id: second!.id, number: 2 });
    expect(read.map(({ queuePosition, attempts, unknown }) => [queuePosition, attempts, unknown])).toEqual([
      [2, 0, 1],
      [3, 0, 1],
      [4, 0, 0],
    ]);
    expect(await start(stream, [third!])).toBe(false);
    expect(await ordered.renewStreams([stream.id], LEASE_MS)).toEqual(new Set());
  });

  it('leaves nothing in doubt whose end is recorded while its burial waits for that', async () => {
    await owe('x', 1, A);
    const [stream, sent] = await takeFirst();
    await start(stream, sent);
    await endLeases();
    let burying: Promise<unknown> = Promise.resolve();
    await one.database.transaction(async (query) => {
      await query({ name: '', text: 'UPDATE callback_deliveries SET attempts = attempts + 1' });
      burying = senders.reapExpired();
      await one.untilBlocked(1);
      return true;
    });
    await burying;
    expect(await logs()).toEqual([]);
  });

  it('leaves nothing behind of what was deleted before its end was told', async () => {
    await owe('x', 2, A);
    const [, [kept, gone]] = await takeFirst();
    await attemptLogs.record([attemptAt(gone!)]);
    const remove = (): Promise<void> => Promise.resolve();
    expect(await one.removal.remove([gone!.requestId], remove)).toBe(1);
    expect(await logs()).toEqual([]);
    await attemptLogs.record([attemptAt(kept!), attemptAt(gone!)]);
    expect(await logs()).toEqual([{ number: 1, success: true, trigger: 'first' }]);
  });

  it('is given free at once when its holder is known to be dead', async () => {
    await owe('x', 1, A);
    await takeFirst();
    await senders.reapExpired();
    expect(await take(A, elsewhere)).toEqual([]);
    expect(await senders.onThisHost()).toEqual([WORKER_ID]);
    await senders.expire([WORKER_ID]);
    await senders.reapExpired();
    expect(named(await take(A, elsewhere))).toEqual([`x ${A}`]);
  });

  it('that is given back leaves nothing in doubt', async () => {
    await owe('x', 2, A);
    const [stream, read] = await takeFirst();
    await start(stream, read);
    await endLeases();
    expect(await ordered.renewStreams([stream.id], LEASE_MS)).toEqual(new Set([stream.id]));
    await senders.reapExpired();
    await ordered.releaseStreams([stream.id]);
    expect(await logs()).toEqual([]);
    expect((await takeFirst(9, elsewhere))[1]).toMatchObject([{ unknown: 0 }, { unknown: 0 }]);
  });

  it('has its turn after the ones before it', async () => {
    for (const lane of ['x', 'y', 'z']) await owe(lane, 1, A);
    const turns: string[] = [];
    for (let i = 0; i < 5; i++) {
      const [stream] = await ordered.takeStreams(A, turns.at(-1) ?? '', 1, LEASE_MS);
      turns.push(stream!.lane);
      await ordered.releaseStreams([stream!.id]);
    }
    expect(turns).toEqual(['x', 'y', 'z', 'x', 'y']);
  });
});

describe('a retry', () => {
  it('is leased when it is due, and by one', async () => {
    await owe('x', 1, A);
    const [stream, [first]] = await takeFirst();
    await attemptLogs.record([failedAt(first!, inAnHour())]);
    await ordered.releaseStreams([stream.id]);
    expect([...(await leaseRetries()), ...(await take(A))]).toEqual([]);
    await makeDue();
    const leased = await Promise.all([ordered, elsewhere, ordered, elsewhere].map((store) => leaseRetries(store)));
    expect(leased.flat()).toMatchObject([{ id: first!.id, attempts: 1 }]);
    await ordered.releaseRetries([first!.id]);
    expect(await leaseRetries(elsewhere)).toMatchObject([{ id: first!.id, unknown: 0 }]);
  });

  it('whose holder fell silent is known to have begun, and is made again with the next number', async () => {
    await owe('x', 1, A);
    const [stream, [first]] = await takeFirst();
    await attemptLogs.record([failedAt(first!, inMs(0))]);
    await ordered.releaseStreams([stream.id]);
    const [retry] = await leaseRetries();
    await endLeases();
    expect(await leaseRetries(elsewhere)).toEqual([]);
    await senders.reapExpired();
    expect(await logs()).toEqual([
      { number: 1, success: false, trigger: 'first' },
      { number: 2, success: null, trigger: 'retry' },
    ]);
    const [again] = await leaseRetries(elsewhere);
    expect(again).toMatchObject({ id: retry!.id, attempts: 1, unknown: 1 });
    // Its holder comes to again: what became of the attempt is told, and decides nothing any more.
    await attemptLogs.record([attemptAt(retry!, { status: 'FAILED' })]);
    expect((await logs())[1]).toEqual({ number: 2, success: false, trigger: 'first' });
    expect(await one.sql('SELECT status, attempts, unknown FROM callback_deliveries')).toEqual([
      { status: 'PENDING', attempts: 1, unknown: 1 },
    ]);
    await attemptLogs.record([attemptAt(again!)]);
    expect(await one.sql('SELECT status, attempts, unknown FROM callback_deliveries')).toEqual([
      { status: 'SUCCESS', attempts: 2, unknown: 1 },
    ]);
  });

  it('holds up nobody behind it', async () => {
    await owe('x', 2, A);
    const [stream, [first, second]] = await takeFirst();
    await attemptLogs.record([failedAt(first!, inAnHour())]);
    await ordered.releaseStreams([stream.id]);
    expect((await takeFirst())[0].head).toEqual({ id: second!.id, number: 1 });
  });

  it('holds up what is behind it when the order is strict', async () => {
    const strict = (await Stores.open(one.url)).due('strict');
    await owe('x', 2, A);
    const [stream, [first]] = await takeFirst(9, strict);
    await attemptLogs.record([failedAt(first!, inAnHour())]);
    await strict.releaseStreams([stream.id]);
    expect([...(await take(A, strict)), ...(await leaseRetries(strict))]).toEqual([]);
    await makeDue();
    const [again, read] = await takeFirst(9, strict);
    expect(again.head).toEqual({ id: first!.id, number: 2 });
    expect(positions(read)).toEqual([1, 2]);
  });
});

describe('a record', () => {
  it('counts once, whoever writes it again', async () => {
    await owe('x', 1, A);
    const [, [first]] = await takeFirst();
    const record = failedAt(first!, inAnHour());
    await attemptLogs.record([record]);
    const before = await one.sql('SELECT * FROM callback_deliveries');
    await attemptLogs.record([record]);
    await attemptLogs.record([attemptAt(first!)]);
    expect(await one.sql('SELECT * FROM callback_deliveries')).toEqual(before);
    expect(await logs()).toEqual([{ number: 1, success: false, trigger: 'first' }]);
  });

  it('of a batch is written with its log, whole or not at all', async () => {
    await owe('x', 2, A);
    const [, [first, second]] = await takeFirst();
    const batch = [attemptAt(first!), attemptAt(second!, { url: null as unknown as string })];
    await expect(attemptLogs.record(batch)).rejects.toThrow('null value');
    expect(await logs()).toEqual([]);
    expect(await one.sql('SELECT DISTINCT status FROM callback_deliveries')).toEqual([{ status: 'PENDING' }]);
    await attemptLogs.record([attemptAt(first!), attemptAt(second!)]);
    expect(await logs()).toHaveLength(2);
  });

  it('says by how long the next attempt is put off, by the clock of the database', async () => {
    await owe('x', 1, A);
    const [, [first]] = await takeFirst();
    const realNow = Date.now;
    try {
      Date.now = () => realNow() - 600_000; // A worker whose clock is ten minutes behind.
      await attemptLogs.record([failedAt(first!, inMs(5_000))]);
    } finally {
      Date.now = realNow;
    }
    const [row] = await one.sql<{ s: number }>(
      'SELECT extract(epoch FROM next_attempt_at - now())::float8 AS s FROM callback_deliveries',
    );
    expect(row!.s).toBeGreaterThan(0);
    expect(row!.s).toBeLessThanOrEqual(5);
  });
});

describe('the order of locks', () => {
  const owed = async (): Promise<number> =>
    (await one.sql(`SELECT FROM callback_deliveries WHERE status = 'PENDING'`)).length;
  const ids = (all: DueDelivery[]): string[] => all.map(({ id }) => id);
  it.each([
    ['renewing', (all: DueDelivery[]) => ordered.renewRetries(ids(all), LEASE_MS)],
    ['recording', (all: DueDelivery[]) => attemptLogs.record(all.map((delivery) => attemptAt(delivery)))],
    ['refusing', (all: DueDelivery[]) => deliveries.refuse(ids(all), 'gone')],
    ['burying', () => endLeases().then(() => senders.reapExpired())],
    ['giving retries back', (all: DueDelivery[]) => ordered.releaseRetries(ids(all))],
    ['ending the leases of the dead', () => senders.expire([WORKER_ID])],
  ] as [string, (all: DueDelivery[]) => Promise<unknown>][])('is by id: %s', async (_, act) => {
    // The later ones come first in the table, as they do when rows were moved.
    await owe('x', 3, A);
    const [stream, read] = await takeFirst();
    await start(stream, read);
    const all = read.toReversed();
    await one.sql(`UPDATE callback_deliveries SET leased_by = $1 WHERE id <> ALL ($2::uuid[])`, [
      WORKER_ID,
      [all[0]!.id],
    ]);
    await one.sql('UPDATE callback_deliveries SET leased_by = $1', [WORKER_ID]);
    const [held, free] = [all.at(-1)!, all[0]!].map(({ id }) => `callback_deliveries WHERE id = '${id}'`);
    await one.whileLocked(held!, () => act(all), free!);
    expect(await one.sql('SELECT id FROM callback_deliveries')).toHaveLength(3);
  });

  it.each([
    ['renewing', (streams: number[]) => ordered.renewStreams(streams, LEASE_MS)],
    ['giving back', (streams: number[]) => ordered.releaseStreams(streams)],
    ['ending the leases of the dead', () => senders.expire([WORKER_ID])],
    ['burying', () => senders.reapExpired()],
  ] as [string, (streams: number[]) => Promise<unknown>][])('of streams is by id: %s', async (_, act) => {
    for (const lane of ['x', 'y']) await owe(lane, 1, A);
    const streams = (await takeAll()).map(({ id }) => id).toSorted((a, b) => b - a);
    await endLeases();
    const [free, held] = streams.map((id) => `callback_queues WHERE id = ${id}`);
    // It comes last in the table now.
    await one.sql(`UPDATE ${held!.replace('WHERE', 'SET started_at = started_at WHERE')}`);
    await one.whileLocked(held!, () => act(streams), free!);
    expect(await owed()).toBe(2);
  });

  it('has no opposite: who ends the leases of the dead holds no delivery while it waits for a stream', async () => {
    await owe('x', 1, A);
    await takeFirst();
    await one.sql('UPDATE callback_deliveries SET leased_by = $1', [WORKER_ID]);
    await one.whileLocked('callback_queues', () => senders.expire([WORKER_ID]), 'callback_deliveries');
    expect(await one.sql('SELECT FROM callback_queues WHERE lease_until < now()')).toHaveLength(1);
  });
});
