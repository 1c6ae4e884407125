/**
 * One call sends thousands of callbacks again. Each matching callback becomes due exactly once, even when workers
 * crash; pending callbacks do not change, and callbacks of new reports are not delayed.
 */
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { CallbackDelivery } from '../../src/callbacks/deliveries/callback-delivery.entity.js';
import { CallbackDeliveryRepository } from '../../src/callbacks/deliveries/callback-delivery.repository.js';
import { RedeliveriesService } from '../../src/callbacks/redelivery/redeliveries.service.js';
import { CallbackRedelivery } from '../../src/callbacks/redelivery/callback-redelivery.entity.js';
import { RedeliveryRepository } from '../../src/callbacks/redelivery/redelivery.repository.js';
import { type RedeliverySelection, RedeliveryStore } from '../../src/callbacks/redelivery/redelivery.store.js';
import { expectProblem, get, post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { startReceiver } from '../support/receiver.js';
import { sql } from '../support/sql.js';
import { GatedDatabase, Stores, openStores } from '../support/stores.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';
import { REQUEST_TABLES } from '../support/tables.js';

const A = 'http://a.test:80';
const B = 'http://b.test:80';
const PAGE = 200;
const UNPACED = { CALLBACK_REDELIVERY_RATE: null, SWEEP_INTERVAL: 2_000 };

describe('a redelivery', () => {
  let one: Stores;
  let service: RedeliveriesService;
  let jobs: RedeliveryRepository;
  let stores: RedeliveryStore[];

  beforeAll(async () => {
    one = await openStores();
    stores = [one, await Stores.open(one.url)].map(({ database }) => new RedeliveryStore(database, UNPACED));
    jobs = new RedeliveryRepository(one.dataSource.getRepository(CallbackRedelivery));
    service = new RedeliveriesService(jobs, stores[0]!);
  });
  beforeEach(() => one.sql(`TRUNCATE ${REQUEST_TABLES}, callback_redeliveries, callback_redelivery_paces CASCADE`));

  /** Inserts deliveries created one minute apart, the last one now. */
  async function insertDeliveries(count: number, status: string, destination = A, lane = 'x'): Promise<void> {
    const ids = Array.from({ length: count }, (_, n) => uuidv7({ msecs: Date.now() - (count - 1 - n) * 60_000 }));
    await one.sql(
      `WITH inserted AS (INSERT INTO requests (id, mode, status, report, format, input_payload)
          SELECT id, 'sync', 'COMPLETED', 'digest', 'csv', '{}' FROM unnest($1::uuid[]) id RETURNING id)
        INSERT INTO callback_deliveries (id, request_id, url, destination, lane, queue_position, status, attempts,
          created_at, finished_at)
        SELECT id, id, $3 || '/', $3, $4, row_number() OVER (ORDER BY id), $2,
          CASE WHEN $2 = 'PENDING' THEN 0 ELSE 4 END,
          now() - (count(*) OVER () - row_number() OVER (ORDER BY id)) * interval '1 minute', now() FROM inserted`,
      [ids, status, destination, lane],
    );
  }

  const add = (selection: Partial<RedeliverySelection>) => service.add({ account: null, ...selection });
  const job = (id: string) => service.find(id, null);
  /** Number of deliveries that are due again. */
  const again = async (condition = 'true'): Promise<number> => {
    const text = `SELECT count(*) AS count FROM callback_deliveries
      WHERE status = 'PENDING' AND redelivery_id IS NOT NULL AND ${condition}`;
    return (await one.sql<{ count: number }>(text))[0]!.count;
  };
  /** Simulates one attempt at every delivery that is due again. */
  const attemptAll = () =>
    one.sql(`UPDATE callback_deliveries SET attempts = attempts + 1 WHERE redelivery_id IS NOT NULL AND attempts < 5`);

  it('makes each matching callback due once, page by page, and changes nothing else', async () => {
    await insertDeliveries(450, 'FAILED');
    await insertDeliveries(3, 'FAILED', B);
    await insertDeliveries(3, 'SUCCESS');
    await insertDeliveries(3, 'PENDING');
    const others = `SELECT * FROM callback_deliveries WHERE NOT (destination = $1 AND attempts = 4 AND finished_at IS NOT NULL
      AND status = 'FAILED') AND redelivery_id IS NULL ORDER BY id`;
    const before = await one.sql(others, [A]);
    const { id } = await add({ status: 'FAILED', destination: A });
    expect(await job(id)).toMatchObject({ status: 'running', matched: 450, redelivered: 0, finished_at: null });
    await stores[0]!.advance();
    expect(await job(id)).toMatchObject({ status: 'running', redelivered: PAGE });
    await service.sweep();
    expect(await job(id)).toMatchObject({ status: 'completed', matched: 450, redelivered: 450 });
    expect(await again(`destination = '${A}' AND schedule_start = attempts AND finished_at IS NULL`)).toBe(450);
    expect(await one.sql(others, [A])).toEqual(before);
    expect(await stores[0]!.advance()).toBe(false);
  });

  it('starts with the oldest', async () => {
    await insertDeliveries(250, 'FAILED');
    await add({ status: 'FAILED' });
    await stores[0]!.advance();
    const [row] = await one.sql(`SELECT max(queue_position) AS last FROM callback_deliveries WHERE status = 'PENDING'`);
    expect(row).toEqual({ last: PAGE });
  });

  const filters: [string, { since?: number; until?: number; status?: undefined; destination?: string }, number][] = [
    ['since', { since: 9.5 }, 10],
    ['until', { until: 89.5 }, 10],
    ['since and until', { since: 19.5, until: 9.5 }, 10],
    ['no status: delivered ones too', { since: 9.5, status: undefined }, 20],
    ['the destination alone', { status: undefined, destination: B }, 100],
  ];
  it.each(filters)('filters by %s', async (_, { since, until, ...more }, wanted) => {
    await insertDeliveries(100, 'FAILED');
    await insertDeliveries(100, 'SUCCESS', B);
    const [row] = await one.sql<{ now: Date }>('SELECT max(created_at) AS now FROM callback_deliveries');
    const ago = (minutes?: number) =>
      minutes === undefined ? undefined : new Date(row!.now.getTime() - minutes * 60_000);
    const { id } = await add({ status: 'FAILED', since: ago(since), until: ago(until), ...more });
    await service.sweep();
    expect(await job(id)).toMatchObject({ status: 'completed', matched: wanted, redelivered: wanted });
    expect(await again()).toBe(wanted);
  });

  it('leaves out callbacks created after it was added', async () => {
    await insertDeliveries(2, 'FAILED');
    const { id } = await add({ status: 'FAILED' });
    await one.sql(`UPDATE callback_deliveries SET created_at = now() + interval '1 second' WHERE queue_position = 2`);
    await service.sweep();
    expect(await job(id)).toMatchObject({ redelivered: 1 });
  });

  it('has at most a thousand callbacks that wait for their first attempt', async () => {
    await insertDeliveries(1_500, 'FAILED');
    const { id } = await add({ status: 'FAILED' });
    await service.sweep();
    expect(await again()).toBe(1_000);
    expect(await job(id)).toMatchObject({ status: 'running', redelivered: 1_000 });
    await attemptAll();
    await service.sweep();
    expect(await job(id)).toMatchObject({ status: 'completed', redelivered: 1_500 });
  });

  it('is carried out by several workers concurrently', async () => {
    await insertDeliveries(900, 'FAILED');
    const { id } = await add({ status: 'FAILED' });
    const workers = [0, 1, 0, 1].map((n) => new RedeliveriesService(jobs, stores[n]!));
    await eventually(async () => {
      await Promise.all(workers.map((worker) => worker.sweep()));
      return ((await job(id)) as { status: string }).status === 'completed';
    });
    expect(await job(id)).toMatchObject({ status: 'completed', matched: 900, redelivered: 900 });
    expect(await again('schedule_start = 4')).toBe(900);
  });

  it.each([0, 1, 2, 3])('continues after its worker was killed before statement %i', async (gate) => {
    await insertDeliveries(450, 'FAILED');
    const { id } = await add({ status: 'FAILED' });
    await stores[0]!.advance();
    const database = new GatedDatabase(one.dataSource, gate);
    const dying = new RedeliveryStore(database, UNPACED).advance().catch(() => undefined);
    await database.reached;
    database.kill();
    await dying;
    expect(await job(id)).toMatchObject({ status: 'running', redelivered: PAGE });
    expect(await again()).toBe(PAGE);
    // The lock ends with the connection of the killed worker.
    await eventually(async () => {
      await new RedeliveriesService(jobs, stores[1]!).sweep();
      return ((await job(id)) as { status: string }).status === 'completed';
    });
    expect(await job(id)).toMatchObject({ status: 'completed', redelivered: 450 });
    expect(await again('schedule_start = 4')).toBe(450);
  });

  it('makes no further callbacks due after it is cancelled, and keeps those that are due', async () => {
    await insertDeliveries(450, 'FAILED');
    const { id } = await add({ status: 'FAILED' });
    await stores[0]!.advance();
    expect(await service.cancel(id, null)).toEqual({ id, status: 'cancelled' });
    expect(await job(id)).toMatchObject({ status: 'cancelled', redelivered: PAGE });
    await service.sweep();
    expect(await again()).toBe(PAGE);
    await expect(service.cancel(id, null)).rejects.toThrow('has already ended');
  });

  it('belongs to its account: it matches only its callbacks and is visible only to it', async () => {
    const [acme, globex] = [uuidv7(), uuidv7()];
    await insertDeliveries(3, 'FAILED', A, `${acme}/x`);
    await insertDeliveries(3, 'FAILED', A, `${globex}/x`);
    const { id } = await service.add({ account: acme, status: 'FAILED' });
    await service.sweep();
    expect(await service.find(id, acme)).toMatchObject({ status: 'completed', matched: 3, redelivered: 3 });
    expect(await again(`lane = '${acme}/x'`)).toBe(3);
    expect(await again()).toBe(3);
    await expect(service.find(id, globex)).rejects.toThrow('not found');
    await expect(service.cancel(id, globex)).rejects.toThrow('not found');
    expect(await service.list(globex, 10)).toEqual({ redeliveries: [], next_cursor: null });
    expect(await service.list(acme, 10)).toMatchObject({ redeliveries: [{ id }] });
  });

  it('is refused while twenty of its account are running, which does not affect other accounts', async () => {
    const [acme, globex] = [uuidv7(), uuidv7()];
    const added = await Promise.allSettled(Array.from({ length: 25 }, () => add({ account: acme, status: 'FAILED' })));
    expect(added.filter(({ status }) => status === 'fulfilled')).toHaveLength(20);
    await expect(add({ account: acme, status: 'FAILED' })).rejects.toThrow('20 redeliveries are running');
    for (const account of [globex, null]) await add({ account, status: 'FAILED' });
    await service.sweep();
    await service.sweep();
    await add({ account: acme, status: 'FAILED' });
  });

  it('alternates with the jobs of other accounts, regardless of their number', async () => {
    const [acme, globex] = [uuidv7(), uuidv7()];
    await insertDeliveries(2_000, 'FAILED', A, `${acme}/x`);
    await insertDeliveries(300, 'FAILED', B, `${globex}/x`);
    for (let n = 0; n < 20; n++) await add({ account: acme, status: 'FAILED' });
    const { id } = await add({ account: globex, status: 'FAILED' });
    for (let n = 0; n < 4; n++) await stores[0]!.advance();
    expect(await service.find(id, globex)).toMatchObject({ status: 'completed', redelivered: 300 });
  });
});

describe('the rate of redeliveries', () => {
  const PACED = { CALLBACK_REDELIVERY_RATE: { limit: 10, windowMs: 1_000 }, SWEEP_INTERVAL: 2_000 };
  let one: Stores;
  let service: RedeliveriesService;
  beforeAll(async () => {
    one = await openStores();
    const jobs = new RedeliveryRepository(one.dataSource.getRepository(CallbackRedelivery));
    service = new RedeliveriesService(jobs, new RedeliveryStore(one.database, PACED));
  });
  beforeEach(() => one.sql(`TRUNCATE ${REQUEST_TABLES}, callback_redeliveries, callback_redelivery_paces CASCADE`));

  const insertFailed = (count: number, account: string, destination: string) =>
    one.sql(
      `INSERT INTO callback_deliveries (id, request_id, url, destination, lane, queue_position, status, attempts)
        SELECT id, id, $3 || '/', $3, $2 || '/x', n, 'FAILED', 4 FROM unnest($1::uuid[]) WITH ORDINALITY AS t (id, n)`,
      [Array.from({ length: count }, () => uuidv7()), account, destination],
    );
  /** How many are scheduled for a destination, and the shortest time between two of them in milliseconds. */
  async function scheduled(account: string, destination: string): Promise<{ count: number; gapMs: number | null }> {
    const rows = await one.sql<{ count: number; gapMs: number | null }>(
      `SELECT count(*) AS count, (1000 * extract(epoch FROM min(gap)))::float8 AS "gapMs" FROM (
          SELECT next_attempt_at - lag(next_attempt_at) OVER (ORDER BY next_attempt_at) AS gap FROM callback_deliveries
          WHERE status = 'PENDING' AND destination = $2 AND starts_with(lane, $1)
        ) AS gaps`,
      [account, destination],
    );
    return rows[0]!;
  }

  it('spreads the callbacks of an account to a destination evenly, over all of its jobs', async () => {
    const [acme, globex] = [uuidv7(), uuidv7()];
    await insertFailed(300, acme, A);
    await insertFailed(5, acme, B);
    await insertFailed(10, globex, A);
    for (const destination of [A, A, B]) await service.add({ account: acme, destination });
    await service.add({ account: globex });
    await service.sweep();
    const toA = await scheduled(acme, A);
    // Ten a second for two sweeps, and those that became possible during this one.
    expect(toA.count).toBeGreaterThanOrEqual(40);
    expect(toA.count).toBeLessThan(200);
    expect(toA.gapMs).toBeGreaterThanOrEqual(99);
    expect(await scheduled(acme, B)).toMatchObject({ count: 5 });
    // Another account has its own rate to the same destination.
    expect(await scheduled(globex, A)).toMatchObject({ count: 10 });
  });

  it('continues in later sweeps until all are sent', async () => {
    const acme = uuidv7();
    await insertFailed(90, acme, A);
    const { id } = await service.add({ account: acme, status: 'FAILED' });
    await service.sweep();
    expect(await service.find(id, acme)).toMatchObject({ status: 'running' });
    // An hour later.
    await one.sql(`UPDATE callback_redeliveries SET due_at = due_at - interval '1 hour'`);
    await one.sql(`UPDATE callback_redelivery_paces SET next_at = next_at - interval '1 hour'`);
    await service.sweep();
    expect((await scheduled(acme, A)).count).toBe(82);
    await one.sql(`UPDATE callback_redeliveries SET due_at = due_at - interval '1 hour'`);
    await one.sql(`UPDATE callback_redelivery_paces SET next_at = next_at - interval '1 hour'`);
    await service.sweep();
    expect(await service.find(id, acme)).toMatchObject({ status: 'completed', redelivered: 90 });
  });

  it('leaves no row behind', async () => {
    await insertFailed(3, uuidv7(), A);
    await service.add({ account: null, status: 'FAILED' });
    await service.sweep();
    await one.sql(`UPDATE callback_redelivery_paces SET next_at = next_at - interval '1 hour'`);
    await service.sweep();
    expect(await one.sql('SELECT * FROM callback_redelivery_paces')).toEqual([]);
  });

  it('counts redeliveries of single requests too', async () => {
    const acme = uuidv7();
    await insertFailed(10, acme, A);
    const deliveries = new CallbackDeliveryRepository(one.dataSource.getRepository(CallbackDelivery));
    const rows = await one.sql<{ id: string }>('SELECT request_id AS id FROM callback_deliveries');
    await Promise.all(rows.map(({ id }) => deliveries.redeliver(id, acme, 100)));
    expect(await scheduled(acme, A)).toMatchObject({ count: 10 });
    expect((await scheduled(acme, A)).gapMs).toBeGreaterThanOrEqual(99);
  });
});

describe('POST /api/callbacks/redeliver', () => {
  let daybook: Daybook;
  beforeAll(async () => {
    daybook = await startDaybook({ env: { ...UNLIMITED, CALLBACK_RETRY_DELAYS: '', SWEEP_INTERVAL: '100ms' } });
  });

  it('sends failed callbacks again and reports its progress', async () => {
    const receiver = await startReceiver();
    receiver.answer({ status: 400 });
    const asked = await submitAsync(daybook.url, 3, () => ({ num_transactions: 1, callback_url: receiver.url }), 1);
    await eventually(async () => {
      const { json } = await get(daybook, '/api/callbacks?status=FAILED');
      return json.callbacks.length === 3;
    });
    receiver.answer({ status: 200 });
    const reply = await post(daybook, '/api/callbacks/redeliver', { status: 'FAILED', destination: receiver.url });
    expect(reply).toMatchObject({ status: 202, json: { status: 'running', matched: 3, redelivered: 0 } });
    const path = reply.headers.get('location')!;
    expect(path).toBe(`/api/callbacks/redeliveries/${reply.json.id}`);
    await eventually(async () => (await get(daybook, path)).json.status === 'completed');
    expect((await get(daybook, path)).json).toMatchObject({ matched: 3, redelivered: 3 });
    expect((await get(daybook, '/api/callbacks/redeliveries')).json.redeliveries).toMatchObject([
      { id: reply.json.id },
    ]);
    for (const { request_id } of asked) {
      const triggers = await eventually(async () => {
        const { json } = await get(daybook, `/api/requests/${request_id}`);
        return (
          json.callback_status === 'SUCCESS' && json.delivery_trace.map(({ trigger }: { trigger: string }) => trigger)
        );
      });
      expect(triggers).toEqual(['first', 'replay']);
    }
    expectProblem(await post(daybook, `${path}/cancel`, undefined), 409);
    // A single redelivery is recorded as manual, not as part of the job.
    await post(daybook, `/api/requests/${asked[0]!.request_id}/redeliver`, undefined);
    await eventually(async () => {
      const { json } = await get(daybook, `/api/requests/${asked[0]!.request_id}`);
      return json.delivery_trace.at(-1).trigger === 'manual';
    });
  });

  const FAILED = 'FAILED';
  it.each([
    [{}, 'at least one of'],
    [{ status: 'PENDING' }, 'status'],
    [{ status: FAILED, destination: 'https://example.com' }, 'scheme://host:port'],
    [{ status: FAILED, destination: 'example.com:443' }, 'scheme://host:port'],
    [{ since: 'yesterday' }, 'since'],
    [{ since: '2026-03-02T00:00:00Z', until: '2026-03-01T00:00:00Z' }, 'after since'],
    [{ status: FAILED, limit: 3 }, 'limit'],
  ])('refuses %j', async (body, detail) => {
    const reply = await post(daybook, '/api/callbacks/redeliver', body);
    expectProblem(reply, 422);
    expect(reply.json.detail).toContain(detail);
  });

  it.each(['x', '0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55'])('answers 404 for the unknown redelivery %s', async (id) => {
    for (const reply of [
      await get(daybook, `/api/callbacks/redeliveries/${id}`),
      await post(daybook, `/api/callbacks/redeliveries/${id}/cancel`, undefined),
    ]) {
      expectProblem(reply, 404);
      expect(reply.json.detail).toBe('Redelivery not found');
    }
  });

  it('refuses a selection of too many callbacks', async () => {
    await sql(
      daybook,
      `WITH inserted AS (INSERT INTO requests (id, mode, status, report, format, input_payload)
          SELECT (lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid, 'sync', 'COMPLETED', 'digest', 'csv', '{}' FROM generate_series(1, 100001) n RETURNING id)
        INSERT INTO callback_deliveries (id, request_id, url, destination, lane, queue_position, status, attempts)
        SELECT id, id, 'http://many.test/', 'http://many.test:80', 'x', 1, 'FAILED', 4 FROM inserted`,
    );
    const reply = await post(daybook, '/api/callbacks/redeliver', { destination: 'http://many.test:80' });
    expectProblem(reply, 422);
    expect(reply.json).toMatchObject({ type: 'urn:daybook:problem:redelivery-too-large' });
  });

  it('deletes ended redeliveries and disabled URLs that are older than RETENTION, and no others', async () => {
    const aged = [-40, -31, -29, 0].map((days) => `now() + interval '${days} days'`);
    const jobs = aged.map((at) => `(gen_random_uuid(), 'CANCELLED', now(), 8, ${at})`);
    // A running one, whose rate lets it continue only later.
    jobs.push(`(gen_random_uuid(), 'RUNNING', now(), 7, NULL)`);
    await sql(
      daybook,
      `INSERT INTO callback_redeliveries (id, status, until, matched, finished_at) VALUES ${jobs.join()};
        UPDATE callback_redeliveries SET created_at = now() - interval '50 days', due_at = 'infinity' WHERE matched = 7`,
    );
    const urls = aged.map(
      (at, n) => `(gen_random_uuid(), 'http://gone.test/${n}', 'http://gone.test:80', gen_random_uuid(), ${at})`,
    );
    await sql(
      daybook,
      `INSERT INTO callback_disabled_urls (id, url, destination, request_id, disabled_at) VALUES ${urls.join()}`,
    );
    const left = async (): Promise<unknown[]> => [
      ...(await sql(
        daybook,
        `SELECT url FROM callback_disabled_urls WHERE destination = 'http://gone.test:80' ORDER BY url`,
      )),
      ...(await sql(
        daybook,
        `SELECT status, count(*)::int AS count FROM callback_redeliveries WHERE matched IN (7, 8) GROUP BY status ORDER BY status`,
      )),
    ];
    await eventually(async () => (await left()).length === 4);
    expect(await left()).toEqual([
      { url: 'http://gone.test/2' },
      { url: 'http://gone.test/3' },
      { status: 'CANCELLED', count: 2 },
      { status: 'RUNNING', count: 1 },
    ]);
  });
});
