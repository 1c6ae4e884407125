import { randomUUID } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { NIL, v7 as uuidv7 } from 'uuid';
import { IdempotencyRecord } from '../../src/requests/idempotency/idempotency-key.entity.js';
import { IdempotencyService } from '../../src/requests/idempotency/idempotency.service.js';
import { IdempotencyRepository } from '../../src/requests/idempotency/idempotency.repository.js';
import { RemovalStore } from '../../src/requests/removal/removal.store.js';
import { RequestUnfinished } from '../../src/requests/requests.errors.js';
import { RequestsService } from '../../src/requests/requests.service.js';
import { RetentionService } from '../../src/requests/removal/retention.service.js';
import { expectProblem, get, post } from '../support/client.js';
import { startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { GatedDatabase, openStores, type Stores } from '../support/stores.js';
import { UNLIMITED } from '../support/submit.js';
import { REQUEST_TABLES } from '../support/tables.js';

/** Only finished requests are deleted after RETENTION, and their files are deleted first. */
const DAY_MS = 86_400_000;
const daysAgo = (days: number): Date => new Date(Date.now() - days * DAY_MS);
const MONTH_MS = 30 * DAY_MS;

/** A finished request of some age. */
interface Aged {
  acceptedAt: Date;
  completedAt?: Date;
  status?: string;
  /** State of its callback; none by default. */
  delivery?: 'PENDING' | 'SUCCESS' | 'FAILED';
}

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});

/** Inserts requests as if they had been accepted at their time, each with a callback log. */
async function write(aged: Aged[]): Promise<{ id: string; fileKey: string }[]> {
  const rows = aged.map((request) => ({ ...request, id: uuidv7({ msecs: +request.acceptedAt }), file: randomUUID() }));
  await stores.sql(
    `INSERT INTO requests (id, mode, status, report, format, input_payload, result_payload, file_key, created_at, completed_at)
     SELECT id, 'sync', status, 'transactions', 'csv', '{}',
       json_build_object('file_name', 'Old_' || id || '.csv', 'file_size_bytes', 4, 'sha256', 'x'), file || '.csv', accepted, completed
     FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[]) AS t (id, status, file, accepted, completed)`,
    [
      rows.map(({ id }) => id),
      rows.map(({ status }) => status ?? 'COMPLETED'),
      rows.map(({ file }) => file),
      rows.map(({ acceptedAt }) => acceptedAt),
      rows.map(({ acceptedAt, completedAt }) => completedAt ?? acceptedAt),
    ],
  );
  const called = rows.filter(({ delivery }) => delivery);
  await stores.sql(
    `INSERT INTO callback_deliveries (id, request_id, url, destination, lane, queue_position, status, next_attempt_at)
     SELECT id, id, 'http://a.test/', 'http://a.test:80', id::text, 0, status, 'infinity'
     FROM unnest($1::uuid[], $2::text[]) AS t (id, status)`,
    [called.map(({ id }) => id), called.map(({ delivery }) => delivery)],
  );
  await stores.sql(
    `INSERT INTO callback_logs (request_id, attempt_number, url, success, response_time_ms, attempted_at)
     SELECT id, 1, 'http://a.test/', true, 1, now() FROM unnest($1::uuid[]) AS t (id)`,
    [rows.map(({ id }) => id)],
  );
  return rows.map(({ id, file }) => ({ id, fileKey: `${file}.csv` }));
}

async function left(): Promise<string[]> {
  return (await stores.sql<{ id: string }>('SELECT id FROM requests ORDER BY id')).map(({ id }) => id);
}

const ids = (written: { id: string }[]): string[] => written.map(({ id }) => id);
const keep = (): Promise<void> => Promise.resolve();
const NOTHING = { removed: [], nextAfterId: null };

describe('deleting by age', () => {
  it('deletes requests that finished before that time, with their callbacks, unless a callback is due', async () => {
    const old = daysAgo(31);
    const gone = await write([
      { acceptedAt: old },
      { acceptedAt: old, status: 'FAILED' },
      { acceptedAt: old, status: 'CANCELLED' },
      { acceptedAt: old, delivery: 'SUCCESS' },
      { acceptedAt: old, delivery: 'FAILED' },
    ]);
    const kept = await write([
      { acceptedAt: old, status: 'PENDING' },
      { acceptedAt: old, status: 'PROCESSING' },
      { acceptedAt: old, delivery: 'PENDING' },
      { acceptedAt: old, completedAt: daysAgo(29) },
      { acceptedAt: daysAgo(29) },
    ]);
    const keys: string[] = [];
    const removed = await stores.removal.removeExpired(MONTH_MS, NIL, 100, async (given) => {
      keys.push(...given);
      expect(await left()).toHaveLength(10);
    });
    expect(removed).toEqual({ removed: ids(gone).sort(), nextAfterId: null });
    expect(keys.sort()).toEqual(gone.map(({ fileKey }) => fileKey).sort());
    expect(await left()).toEqual(ids(kept).sort());
    expect(await stores.sql('SELECT FROM callback_logs')).toHaveLength(5);
    expect(await stores.sql('SELECT FROM callback_deliveries')).toHaveLength(1);
    await stores.sql(`TRUNCATE ${REQUEST_TABLES} CASCADE`);
  });

  it('deletes batch by batch, oldest first', async () => {
    const written = ids(await write([33, 32, 31].map((days) => ({ acceptedAt: daysAgo(days) }))));
    expect(await stores.removal.removeExpired(MONTH_MS, NIL, 2, keep)).toEqual({
      removed: written.slice(0, 2),
      nextAfterId: written[1],
    });
    expect(await stores.removal.removeExpired(MONTH_MS, written[1]!, 2, keep)).toEqual({
      removed: written.slice(2),
      nextAfterId: null,
    });
    expect(await stores.removal.removeExpired(MONTH_MS, NIL, 2, keep)).toEqual(NOTHING);
  });

  it('uses the clock of the database, not of the process', async () => {
    const [young] = await write([{ acceptedAt: daysAgo(1) }]);
    const jump = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 40 * DAY_MS);
    expect(await stores.removal.removeExpired(MONTH_MS, NIL, 2, keep)).toEqual(NOTHING);
    jump.mockRestore();
    expect(await left()).toEqual([young!.id]);
    await stores.sql(`TRUNCATE ${REQUEST_TABLES} CASCADE`);
  });

  it('deletes nothing when the files cannot be deleted', async () => {
    const written = ids(await write([{ acceptedAt: daysAgo(31) }]));
    const fault = new Error('The disk is read-only');
    await expect(stores.removal.removeExpired(MONTH_MS, NIL, 2, () => Promise.reject(fault))).rejects.toBe(fault);
    expect(await left()).toEqual(written);
    // The connection was closed; Postgres holds its lock until it notices.
    const locks = `SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
      WHERE l.locktype = 'advisory' AND d.datname = current_database()`;
    await eventually(async () => (await stores.sql(locks)).length === 0);
  });

  it('runs in one process at a time', async () => {
    const gated = new GatedDatabase(stores.dataSource, 1);
    const first = new RemovalStore(gated, stores.callbacks).removeExpired(MONTH_MS, NIL, 2, keep);
    await gated.reached;
    expect(await stores.removal.removeExpired(MONTH_MS, NIL, 2, keep)).toBeNull();
    gated.letOn();
    expect((await first)?.removed).toHaveLength(1);
    expect(await left()).toEqual([]);
  });
});

describe('one sweep', () => {
  // The clock is frozen, so the time budget never ends.
  beforeEach(() => void jest.spyOn(performance, 'now').mockReturnValue(0));
  afterEach(() => void jest.restoreAllMocks());

  it('deletes more than a batch of requests, and then pauses', async () => {
    const retention = new RetentionService(stores.removal, { remove: keep }, { RETENTION: MONTH_MS });
    await write(Array.from({ length: 1_100 }, () => ({ acceptedAt: daysAgo(31) })));
    await retention.removeSome();
    expect(await left()).toEqual([]);
    await write([{ acceptedAt: daysAgo(31) }]);
    await retention.removeSome();
    expect(await left()).toHaveLength(1);
    await stores.sql(`TRUNCATE ${REQUEST_TABLES} CASCADE`);
  });

  it('passes over more than a batch of requests with a callback due', async () => {
    const retention = new RetentionService(stores.removal, { remove: keep }, { RETENTION: MONTH_MS });
    const due = ids(await write(Array.from({ length: 600 }, () => ({ acceptedAt: daysAgo(32), delivery: 'PENDING' }))));
    await write([{ acceptedAt: daysAgo(31) }]);
    await retention.removeSome();
    expect(await left()).toEqual(due.toSorted());
    await stores.sql(`TRUNCATE ${REQUEST_TABLES} CASCADE`);
  });

  it('deletes more than a batch of idempotency keys', async () => {
    await stores.sql(`INSERT INTO idempotency_keys (caller, scope, key, fingerprint, request_id, created_at)
      SELECT 'a', 's', n, 'f', gen_random_uuid(), now() - interval '25 hours' FROM generate_series(1, 2100) n`);
    const keys = new IdempotencyRepository(stores.dataSource.getRepository(IdempotencyRecord));
    await new IdempotencyService(keys, stores.requests).removeExpired();
    expect(await stores.sql('SELECT FROM idempotency_keys')).toEqual([]);
  });
});

describe('a callback that is redelivered while its request is being deleted', () => {
  const service = (): [RequestsService, string[]] => {
    const removed: string[] = [];
    const files = { remove: async (keys: string[]) => void removed.push(...keys) };
    return [
      new RequestsService(stores.requests, stores.search, stores.removal, stores.callbacks, stores.positions, files),
      removed,
    ];
  };
  const ways: [string, (requests: RequestsService, id: string, files: string[]) => Promise<unknown>][] = [
    ['by its id', (requests, id) => expect(requests.remove(id, null)).rejects.toBeInstanceOf(RequestUnfinished)],
    ['with all others', async (requests) => expect(await requests.removeFinished({ account: null })).toBe(1)],
    [
      'by age',
      (_, __, files) => stores.removal.removeExpired(MONTH_MS, NIL, 9, async (keys) => void files.push(...keys)),
    ],
  ];
  it.each(ways)('%s, keeps its request and file', async (_, remove) => {
    const old = daysAgo(31);
    const [again, other] = await write([{ acceptedAt: old, delivery: 'SUCCESS' }, { acceptedAt: old }]);
    const [requests, removed] = service();
    let removing: Promise<unknown> = Promise.resolve();
    await stores.database.transaction(async (query) => {
      const text = `UPDATE callback_deliveries SET status = 'PENDING' WHERE request_id = $1`;
      await query({ name: '', text }, [again!.id]);
      removing = remove(requests, again!.id, removed);
      await stores.untilBlocked(1);
      return true;
    });
    await removing;
    expect(await left()).toContain(again!.id);
    expect(await stores.sql('SELECT FROM callback_deliveries')).toHaveLength(1);
    expect(removed.filter((key) => key !== other!.fileKey)).toEqual([]);
    await stores.sql(`TRUNCATE ${REQUEST_TABLES} CASCADE`);
  });
});

describe('a service with ten thousand expired requests', () => {
  const COUNT = 10_000;

  it('deletes them and their files, also after it was killed while deleting, and answers 410 from then on', async () => {
    const dataDir = await temporaryFolder();
    const results = join(dataDir, 'files/results');
    await mkdir(results, { recursive: true });
    const old = await write(Array.from({ length: COUNT }, (_, index) => ({ acceptedAt: daysAgo(31 + index / COUNT) })));
    const [young, due] = await write([{ acceptedAt: daysAgo(29) }, { acceptedAt: daysAgo(90), delivery: 'PENDING' }]);
    for (const { fileKey } of [...old, young!, due!]) await writeFile(join(results, fileKey), 'text');
    await stores.sql(`INSERT INTO idempotency_keys (caller, scope, key, fingerprint, request_id, created_at)
      VALUES ('a', 's', 'past', 'f', gen_random_uuid(), now() - interval '25 hours'),
        ('a', 's', 'kept', 'f', gen_random_uuid(), now() - interval '23 hours')`);
    const env = { ...UNLIMITED, DATABASE_URL: stores.url, DATA_DIR: dataDir, SWEEP_INTERVAL: '100ms' };

    const off = await startDaybook({ env: { ...env, RETENTION: 'off' } });
    const oldId = old[0]!.id;
    expect((await get(off, `/api/reports/Old_${oldId}.csv`)).text).toBe('text');
    expect((await get(off, `/api/reports/Old_${uuidv7({ msecs: 0 })}.csv`)).status).toBe(404);
    // The sweep that deletes the key also looks for expired requests.
    await eventually(async () => (await stores.sql('SELECT FROM idempotency_keys')).length === 1);
    await off.stop();
    expect(await left()).toHaveLength(COUNT + 2);

    const killed = await startDaybook({ env });
    await eventually(async () => (await left()).length < COUNT, { everyMs: 5 });
    killed.kill('SIGKILL');
    await killed.exited;
    const rows = await stores.sql<{ file_key: string }>('SELECT file_key FROM requests');
    const named = new Set(rows.map(({ file_key }) => file_key));
    expect(named.size).toBeGreaterThan(2);
    expect((await readdir(results)).filter((name) => !named.has(name))).toEqual([]);

    const daybook = await startDaybook({ env });
    await eventually(async () => (await left()).length === 2);
    expect((await readdir(results)).sort()).toEqual([young!.fileKey, due!.fileKey].sort());
    expectProblem(await get(daybook, `/api/reports/Old_${oldId}.csv`), 410);
    expectProblem(await get(daybook, `/api/requests/${oldId}`), 404);
    for (const { id } of [young!, due!]) {
      expect((await get(daybook, `/api/reports/Old_${id}.csv`)).text).toBe('text');
      expectProblem(await get(daybook, `/api/reports/New_${id}.csv`), 404);
    }
    expectProblem(await get(daybook, `/api/reports/Old_${uuidv7({ msecs: +daysAgo(29) })}.csv`), 404);
    expect((await post(daybook, '/api/sync', { num_transactions: 1 })).status).toBe(200);
  }, 120_000);
});
