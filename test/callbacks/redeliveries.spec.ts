/**
 * One call sends thousands of callbacks again. Each matching callback becomes due exactly once, even when workers crash;
 * pending callbacks do not change, and callbacks of new reports are not delayed.
 */
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
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

describe('a redelivery', () => {
  let one: Stores;
  let service: RedeliveriesService;
  let jobs: RedeliveryRepository;
  let stores: RedeliveryStore[];

  beforeAll(async () => {
    one = await openStores();
    stores = [one, await Stores.open(one.url)].map(({ database }) => new RedeliveryStore(database));
    jobs = new RedeliveryRepository(one.dataSource.getRepository(CallbackRedelivery));
    service = new RedeliveriesService(jobs, stores[0]!);
  });
  beforeEach(() => one.sql(`TRUNCATE ${REQUEST_TABLES}, callback_redeliveries CASCADE`));

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
    const dying = new RedeliveryStore(database).advance().catch(() => undefined);
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

  it('that is cancelled makes no more callbacks due and keeps those that are', async () => {
    await insertDeliveries(450, 'FAILED');
    const { id } = await add({ status: 'FAILED' });
    await stores[0]!.advance();
    expect(await service.cancel(id, null)).toMatchObject({ status: 'cancelled', redelivered: PAGE });
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

  it('is refused when twenty are running', async () => {
    for (let n = 0; n < 20; n++) await add({ status: 'FAILED' });
    await expect(add({ status: 'FAILED' })).rejects.toThrow('20 redeliveries are running');
    await service.sweep();
    await add({ status: 'FAILED' });
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
});
