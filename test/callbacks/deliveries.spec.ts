import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { CallbackLogRepository } from '../../src/callbacks/deliveries/callback-log.repository.js';
import type { CallbackDeliveryRepository } from '../../src/callbacks/deliveries/callback-delivery.repository.js';
import type { DueDelivery } from '../../src/callbacks/leases/due-delivery.js';
import { ExpiredLeasesStore } from '../../src/callbacks/leases/expired-leases.store.js';
import type { Target } from '../../src/callbacks/destinations/target.js';
import type { QueueLease } from '../../src/callbacks/leases/queue-leases.store.js';
import { WORKER_ID } from '../../src/platform/concurrency/worker-id.js';
import { type DueStores, LEASE_MS, Stores, attemptAt, batchOf, openStores } from '../support/stores.js';
import { REQUEST_TABLES } from '../support/tables.js';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';

/** One worker at a time sends a delivery queue, in order. Retries are sent on their own when they are due. */
let one: Stores;
let ordered: DueStores;
let deliveries: CallbackDeliveryRepository;
let attemptLogs: CallbackLogRepository;
/** The stores of another process. */
let elsewhere: DueStores;
let expired: ExpiredLeasesStore;

beforeAll(async () => {
  one = await openStores();
  ordered = one.due();
  deliveries = one.deliveries();
  attemptLogs = one.logs();
  const other = await Stores.open(one.url);
  elsewhere = other.due();
  expired = new ExpiredLeasesStore(other.database);
});

afterEach(() => one.sql(`TRUNCATE lanes, ${REQUEST_TABLES}, callback_queues, callback_disabled_urls CASCADE`));

const A = 'http://a.test';
const B = 'http://b.test';
const at = (destination: string): Target => ({ accountId: OPEN_INSTALLATION, destination });

type Taken = QueueLease & { destination: string };

/** Finishes requests of a lane, with callbacks to the destinations in turn. */
async function finish(lane: string, count: number, ...destinations: string[]): Promise<void> {
  for (let n = 0; n < count; n++)
    await one.accept(lane, 1, { callbackUrl: `${destinations[n % destinations.length]}/` });
  const held = await one.lease();
  await one.jobs.complete(held, batchOf(await one.jobs.begin(held, count), { release: true }), LEASE_MS);
}

const take = async (destination: string, store = ordered): Promise<Taken[]> =>
  (await store.queues.lease(at(destination), '', 9, LEASE_MS)).map((queue) => Object.assign(queue, { destination }));
const takeAll = async (store = ordered): Promise<Taken[]> =>
  (await Promise.all((await store.destinations.list()).map(({ destination }) => take(destination, store)))).flat();
const leaseRetries = (store = ordered, destination = A): Promise<DueDelivery[]> =>
  store.retries.lease(at(destination), 9, LEASE_MS);
const named = (queues: Taken[]): string[] => queues.map(({ lane, destination }) => `${lane} ${destination}`).toSorted();
const endLeases = (): Promise<unknown> =>
  one.sql(`WITH s AS (UPDATE callback_queues SET lease_until = now() - interval '1 second')
    UPDATE callback_deliveries SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL`);
const makeDue = (): Promise<unknown> => one.sql(`UPDATE callback_deliveries SET next_attempt_at = now()`);
const positions = (read: DueDelivery[]): number[] => read.map(({ queuePosition }) => queuePosition);

/** Leases a queue. @returns The lease and the queue's first deliveries. */
async function takeFirst(count = 9, store = ordered): Promise<[QueueLease, DueDelivery[]]> {
  const [queue] = await take(A, store);
  return [queue!, await store.queues.read(at(A), [queue!.lane], 0, count)];
}

/** Records that these deliveries may be on their way. */
const start = (queue: QueueLease, sent: DueDelivery[], store = ordered): Promise<boolean> =>
  store.queues.start(
    queue,
    sent.map(({ id, attempts, unknown }) => ({ id, number: attempts + unknown + 1 })),
    LEASE_MS,
  );

const logs = (): Promise<{ number: number; success: boolean | null; trigger: string }[]> =>
  one.sql('SELECT attempt_number AS number, success, trigger FROM callback_logs ORDER BY attempt_number');

const inMs = (ms: number): number => performance.now() + ms;
const inAnHour = (): number => inMs(3_600_000);

/** A failed attempt, with the time of the next one. */
function failedAt(delivery: DueDelivery, retryAtMs: number): ReturnType<typeof attemptAt> {
  return attemptAt(delivery, { status: 'PENDING', retryAtMs });
}

describe('a destination', () => {
  it('is listed when it has a queue or a retry, with the time until the retry', async () => {
    await finish('x', 4, A, B);
    expect(await ordered.destinations.list()).toMatchObject([
      { destination: A, hasQueue: true, retryInMs: null, breaker: { state: 'closed', failures: 0 } },
      { destination: B, hasQueue: true, retryInMs: null },
    ]);
    const [queue, [first, second]] = await takeFirst();
    await attemptLogs.record([attemptAt(first!), failedAt(second!, inAnHour())]);
    await ordered.queues.release([queue.id]);
    const [a] = await ordered.destinations.list();
    expect(a).toMatchObject({ destination: A, hasQueue: false });
    expect(a!.retryInMs).toBeGreaterThan(3_500_000);
    await makeDue();
    expect((await ordered.destinations.list())[0]!.retryInMs).toBeLessThanOrEqual(0);
    await leaseRetries();
    expect((await ordered.destinations.list()).map(({ destination }) => destination)).toEqual([B]);
  });

  it('is due after the delay of its retry, even if the wall clock jumps before the record is written', async () => {
    await finish('x', 1, A);
    const [queue, [first]] = await takeFirst();
    const jump = jest.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000);
    await attemptLogs.record([failedAt(first!, inMs(5_000))]);
    jump.mockRestore();
    await ordered.queues.release([queue.id]);
    expect((await ordered.destinations.list())[0]!.retryInMs).toBeLessThanOrEqual(5_000);
  });
});

describe('a delivery queue', () => {
  it('exists for each lane and destination', async () => {
    await finish('x', 4, A, B);
    await finish('y', 2, A);
    expect(named(await takeAll())).toEqual([`x ${A}`, `x ${B}`, `y ${A}`]);
  });

  it('is leased once by concurrent claims', async () => {
    for (const lane of ['x', 'y', 'z']) await finish(lane, 3, A, B);
    const asked = Array.from({ length: 12 }, (_, index) => takeAll(index % 2 ? ordered : elsewhere));
    const taken = named((await Promise.all(asked)).flat());
    expect(taken).toHaveLength(6);
    expect(new Set(taken).size).toBe(6);
    expect(await takeAll()).toEqual([]);
  });

  it('is read in order from a position on, and its head is recorded as started', async () => {
    await finish('x', 5, A, B);
    const [queue, read] = await takeFirst(2);
    expect(positions(read)).toEqual([1, 3]);
    expect(queue.head).toEqual({ id: read[0]!.id, number: 1 });
    expect(positions(await ordered.queues.read(at(A), ['x'], 4, 2))).toEqual([5]);
  });

  it('is read together with others, each in order', async () => {
    await finish('x', 3, A);
    await finish('y', 3, A);
    const read = await ordered.queues.read(at(A), ['x', 'y'], 2, 2);
    expect(read.map(({ lane, queuePosition }) => `${lane}${queuePosition}`)).toEqual(['x2', 'x3', 'y2', 'y3']);
  });

  it('continues after its lease has expired, and the started attempts are recorded as unknown', async () => {
    await finish('x', 4, A);
    const [queue, [first, second, third]] = await takeFirst();
    expect(await start(queue, [first!, second!, third!])).toBe(true);
    await attemptLogs.record([attemptAt(first!)]);
    await endLeases();
    expect(await take(A, elsewhere)).toEqual([]);
    await expired.reapExpired();
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
    expect(await start(queue, [third!])).toBe(false);
    expect(await ordered.queues.renew([queue.id], LEASE_MS)).toEqual(new Set());
  });

  it('has no unknown attempt if the outcome is recorded while the reaping waits for a lock', async () => {
    await finish('x', 1, A);
    const [queue, sent] = await takeFirst();
    await start(queue, sent);
    await endLeases();
    let reaping: Promise<unknown> = Promise.resolve();
    await one.database.transaction(async (query) => {
      await query({ name: '', text: 'UPDATE callback_deliveries SET attempts = attempts + 1' });
      reaping = expired.reapExpired();
      await one.untilBlocked(1);
      return true;
    });
    await reaping;
    expect(await logs()).toEqual([]);
  });

  it('drops the record of an attempt whose delivery was deleted', async () => {
    await finish('x', 2, A);
    const [, [kept, gone]] = await takeFirst();
    await attemptLogs.record([attemptAt(gone!)]);
    const remove = (): Promise<void> => Promise.resolve();
    expect(await one.removal.remove([gone!.requestId], remove)).toBe(1);
    expect(await logs()).toEqual([]);
    await attemptLogs.record([attemptAt(kept!), attemptAt(gone!)]);
    expect(await logs()).toEqual([{ number: 1, success: true, trigger: 'first' }]);
  });

  it('is free at once when its worker is known to have exited', async () => {
    await finish('x', 1, A);
    await takeFirst();
    await expired.reapExpired();
    expect(await take(A, elsewhere)).toEqual([]);
    expect(await expired.workersOnThisHost()).toEqual([WORKER_ID]);
    await expired.expire([WORKER_ID]);
    await expired.reapExpired();
    expect(named(await take(A, elsewhere))).toEqual([`x ${A}`]);
  });

  it('has no unknown attempt after it was released', async () => {
    await finish('x', 2, A);
    const [queue, read] = await takeFirst();
    await start(queue, read);
    await endLeases();
    expect(await ordered.queues.renew([queue.id], LEASE_MS)).toEqual(new Set([queue.id]));
    await expired.reapExpired();
    await ordered.queues.release([queue.id]);
    expect(await logs()).toEqual([]);
    expect((await takeFirst(9, elsewhere))[1]).toMatchObject([{ unknown: 0 }, { unknown: 0 }]);
  });

  it('is leased after those that were leased before it: round robin', async () => {
    for (const lane of ['x', 'y', 'z']) await finish(lane, 1, A);
    const turns: string[] = [];
    for (let i = 0; i < 5; i++) {
      const [queue] = await ordered.queues.lease(at(A), turns.at(-1) ?? '', 1, LEASE_MS);
      turns.push(queue!.lane);
      await ordered.queues.release([queue!.id]);
    }
    expect(turns).toEqual(['x', 'y', 'z', 'x', 'y']);
  });
});

describe('a retry', () => {
  it('is leased when it is due, by one worker', async () => {
    await finish('x', 1, A);
    const [queue, [first]] = await takeFirst();
    await attemptLogs.record([failedAt(first!, inAnHour())]);
    await ordered.queues.release([queue.id]);
    expect([...(await leaseRetries()), ...(await take(A))]).toEqual([]);
    await makeDue();
    const leased = await Promise.all([ordered, elsewhere, ordered, elsewhere].map((store) => leaseRetries(store)));
    expect(leased.flat()).toMatchObject([{ id: first!.id, attempts: 1 }]);
    await ordered.retries.release([first!.id]);
    expect(await leaseRetries(elsewhere)).toMatchObject([{ id: first!.id, unknown: 0 }]);
  });

  it('is recorded as unknown when its lease expires, and sent again with the next number', async () => {
    await finish('x', 1, A);
    const [queue, [first]] = await takeFirst();
    await attemptLogs.record([failedAt(first!, inMs(0))]);
    await ordered.queues.release([queue.id]);
    const [retry] = await leaseRetries();
    await endLeases();
    expect(await leaseRetries(elsewhere)).toEqual([]);
    await expired.reapExpired();
    expect(await logs()).toEqual([
      { number: 1, success: false, trigger: 'first' },
      { number: 2, success: null, trigger: 'retry' },
    ]);
    const [again] = await leaseRetries(elsewhere);
    expect(again).toMatchObject({ id: retry!.id, attempts: 1, unknown: 1 });
    // A late record from the first worker fills in its log row and decides nothing.
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

  it('does not block its queue', async () => {
    await finish('x', 2, A);
    const [queue, [first, second]] = await takeFirst();
    await attemptLogs.record([failedAt(first!, inAnHour())]);
    await ordered.queues.release([queue.id]);
    expect((await takeFirst())[0].head).toEqual({ id: second!.id, number: 1 });
  });

  it('blocks its queue in strict order', async () => {
    const strict = (await Stores.open(one.url)).due('strict');
    await finish('x', 2, A);
    const [queue, [first]] = await takeFirst(9, strict);
    await attemptLogs.record([failedAt(first!, inAnHour())]);
    await strict.queues.release([queue.id]);
    expect([...(await take(A, strict)), ...(await leaseRetries(strict))]).toEqual([]);
    await makeDue();
    const [again, read] = await takeFirst(9, strict);
    expect(again.head).toEqual({ id: first!.id, number: 2 });
    expect(positions(read)).toEqual([1, 2]);
  });
});

describe('a record', () => {
  it('counts once if it is written again', async () => {
    await finish('x', 1, A);
    const [, [first]] = await takeFirst();
    const record = failedAt(first!, inAnHour());
    await attemptLogs.record([record]);
    const before = await one.sql('SELECT * FROM callback_deliveries');
    await attemptLogs.record([record]);
    await attemptLogs.record([attemptAt(first!)]);
    expect(await one.sql('SELECT * FROM callback_deliveries')).toEqual(before);
    expect(await logs()).toEqual([{ number: 1, success: false, trigger: 'first' }]);
  });

  it('of a batch is written with its logs, completely or not at all', async () => {
    await finish('x', 2, A);
    const [, [first, second]] = await takeFirst();
    const batch = [attemptAt(first!), attemptAt(second!, { url: null as unknown as string })];
    await expect(attemptLogs.record(batch)).rejects.toThrow('null value');
    expect(await logs()).toEqual([]);
    expect(await one.sql('SELECT DISTINCT status FROM callback_deliveries')).toEqual([{ status: 'PENDING' }]);
    await attemptLogs.record([attemptAt(first!), attemptAt(second!)]);
    expect(await logs()).toHaveLength(2);
  });

  it('schedules the next attempt by the clock of the database', async () => {
    await finish('x', 1, A);
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
  const unsent = async (): Promise<number> =>
    (await one.sql(`SELECT FROM callback_deliveries WHERE status = 'PENDING'`)).length;
  const ids = (all: DueDelivery[]): string[] => all.map(({ id }) => id);
  it.each([
    ['renewing', (all: DueDelivery[]) => ordered.retries.renew(ids(all), LEASE_MS)],
    ['recording', (all: DueDelivery[]) => attemptLogs.record(all.map((delivery) => attemptAt(delivery)))],
    ['refusing', (all: DueDelivery[]) => deliveries.refuse(ids(all), 'gone')],
    ['reaping', () => endLeases().then(() => expired.reapExpired())],
    ['releasing retries', (all: DueDelivery[]) => ordered.retries.release(ids(all))],
    ['expiring the leases of workers that have exited', () => expired.expire([WORKER_ID])],
  ] as [string, (all: DueDelivery[]) => Promise<unknown>][])('is by id: %s', async (_, act) => {
    // Updates moved the later rows to the front of the table.
    await finish('x', 3, A);
    const [queue, read] = await takeFirst();
    await start(queue, read);
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
    ['renewing', (queues: number[]) => ordered.queues.renew(queues, LEASE_MS)],
    ['releasing', (queues: number[]) => ordered.queues.release(queues)],
    ['expiring the leases of workers that have exited', () => expired.expire([WORKER_ID])],
    ['reaping', () => expired.reapExpired()],
  ] as [string, (queues: number[]) => Promise<unknown>][])('of queues is by id: %s', async (_, act) => {
    for (const lane of ['x', 'y']) await finish(lane, 1, A);
    const queues = (await takeAll()).map(({ id }) => id).toSorted((a, b) => b - a);
    await endLeases();
    const [free, held] = queues.map((id) => `callback_queues WHERE id = ${id}`);
    // The update moved the row to the end of the table.
    await one.sql(`UPDATE ${held!.replace('WHERE', 'SET started_at = started_at WHERE')}`);
    await one.whileLocked(held!, () => act(queues), free!);
    expect(await unsent()).toBe(2);
  });

  it('cannot deadlock: expiring leases locks no delivery while it waits for a queue', async () => {
    await finish('x', 1, A);
    await takeFirst();
    await one.sql('UPDATE callback_deliveries SET leased_by = $1', [WORKER_ID]);
    await one.whileLocked('callback_queues', () => expired.expire([WORKER_ID]), 'callback_deliveries');
    expect(await one.sql('SELECT FROM callback_queues WHERE lease_until < now()')).toHaveLength(1);
  });
});
