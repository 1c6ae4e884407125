/**
 * A report that is interrupted is generated again or fails with the reason, and leaves no query behind in the server. A replica
 * that is behind or away is not read.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';
import { expectProblem, post, type Reply } from '../support/client.js';
import { createDatabase } from '../support/database.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { redisUrl } from '../support/redis.js';
import { sql } from '../support/sql.js';
import { Stores } from '../support/stores.js';
import { UNLIMITED } from '../support/submit.js';
import { postEntries, transfer } from './books-fixture.js';
import { type By, reportsClient } from './reports-fixture.js';

const OPEN = { headers: {} } as By;
const QUICK = { ...UNLIMITED, LANE_LEASE: '2s', SWEEP_INTERVAL: '200ms' };
let redis: string;

let api: Daybook;
let worker: Daybook;
beforeAll(async () => {
  redis = await redisUrl();
  api = await startDaybook({ role: 'api', env: { ...QUICK, REDIS_URL: redis, REPORT_TIMEOUT: '3s' } });
  worker = await startWorker();
  const stores = await Stores.open(api.databaseUrl!);
  await postEntries(stores, OPEN_INSTALLATION, [transfer(500, { effectiveAt: new Date('2026-01-15T12:00:00Z') })]);
});

const startWorker = (): Promise<Daybook> =>
  startDaybook({
    role: 'worker',
    env: { ...QUICK, REDIS_URL: redis, DATABASE_URL: api.databaseUrl, DATA_DIR: api.dataDir },
  });

const { ask, submit, completed, detailOf } = reportsClient(() => api);

/** The sessions in which reports read. */
const readers = (): Promise<{ pid: number; waits: boolean }[]> =>
  sql(
    api,
    `SELECT pid, wait_event_type IS NOT DISTINCT FROM 'Lock' AS waits FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'daybook-report'`,
  );
/** Waits until a report waits for the lock of {@link whileLinesAreLocked}. @returns Its session. */
const blockedReader = (): Promise<number> =>
  eventually(async () => (await readers()).find(({ waits }) => waits)?.pid ?? 0);

/** Runs `work` while no report can read a line. */
async function whileLinesAreLocked<T>(work: () => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: api.databaseUrl! });
  await client.connect();
  try {
    await client.query('BEGIN; LOCK TABLE journal_lines IN ACCESS EXCLUSIVE MODE');
    return await work();
  } finally {
    await client.end();
  }
}

describe('a report', () => {
  it('is cancelled in the server at its timeout, and fails with the reason', async () => {
    await whileLinesAreLocked(async () => {
      const asked = ask(OPEN, 'journal');
      await blockedReader();
      const reply = await asked;
      expectProblem(reply, 500);
      expect(reply.json.detail).toMatch(/took (longer than 3 s|too long)/);
      // The lock is still held: nothing but the cancellation ends the query.
      await eventually(async () => (await readers()).length === 0, { timeoutMs: 10_000 });
    });
    expect((await ask(OPEN, 'journal')).json.row_count).toBe(2);
  });

  it('is generated again after its worker was killed', async () => {
    const id = await whileLinesAreLocked(async () => {
      const accepted = await submit(OPEN, 'journal', {}, { lane: 'killed' });
      await blockedReader();
      worker.kill('SIGKILL');
      await worker.exited;
      // The server notices, although the query does not send anything.
      await eventually(async () => (await readers()).length === 0, { timeoutMs: 10_000 });
      return accepted;
    });
    expect((await detailOf(OPEN, id)).status).toBe('PROCESSING');
    worker = await startWorker();
    expect((await completed(OPEN, id)).result.row_count).toBe(2);
  });

  it('is not lost when the database ends its session, and holds its lane back meanwhile', async () => {
    const ids = await whileLinesAreLocked(async () => {
      const accepted: string[] = [];
      for (let n = 0; n < 3; n++) accepted.push(await submit(OPEN, 'trial-balance', {}, { lane: 'outage' }));
      await sql(api, 'SELECT pg_terminate_backend($1)', [await blockedReader()]);
      await eventually(async () => (await readers()).length === 0);
      for (const id of accepted) expect((await detailOf(OPEN, id)).status).toMatch(/PENDING|PROCESSING/);
      return accepted;
    });
    const times: string[] = [];
    for (const id of ids) {
      expect((await completed(OPEN, id)).result.row_count).toBe(2);
      times.push((await detailOf(OPEN, id)).completed_at);
    }
    expect(times).toEqual(times.toSorted());
  });

  it('that is sync gets 503 when the database ends its session', async () => {
    const reply = await whileLinesAreLocked(async () => {
      const asked = ask(OPEN, 'journal');
      await sql(api, 'SELECT pg_terminate_backend($1)', [await blockedReader()]);
      return asked;
    });
    expectProblem(reply, 503);
    expect(reply.json.type).toBe('urn:daybook:problem:database-unavailable');
  });
});

describe('a replica', () => {
  const memosOf = async (daybook: Daybook, through_entry: number): Promise<string[]> => {
    const payload = { from: '2026-01-01', to: '2026-02-01', columns: ['memo'], through_entry };
    const { json } = await post(daybook, '/api/sync', { report: 'journal', payload });
    const { text }: Reply = await fetch(daybook.url + json.download_url).then(async (response) => {
      return { status: response.status, headers: response.headers, text: await response.text(), json: null };
    });
    return [...new Set(text.split('\n').slice(1, -1))];
  };

  it('is read while it has the last entry that counts, and not when it is behind or away', async () => {
    const [primary, replica] = [await createDatabase(), await createDatabase()];
    const entry = (memo: string) => transfer(1, { memo, effectiveAt: new Date('2026-01-15T12:00:00Z') });
    await postEntries(await Stores.open(primary.url), OPEN_INSTALLATION, [entry('primary'), entry('primary')]);
    const behind = await Stores.open(replica.url);
    await postEntries(behind, OPEN_INSTALLATION, [entry('replica')]);
    const daybook = await startDaybook({
      env: { ...UNLIMITED, DATABASE_URL: primary.url, DATABASE_REPLICA_URL: replica.url },
    });
    expect(await memosOf(daybook, 1)).toEqual(['replica']);
    expect(await memosOf(daybook, 2)).toEqual(['primary']);
    await postEntries(behind, OPEN_INSTALLATION, [entry('replica')]);
    expect(await memosOf(daybook, 2)).toEqual(['replica']);
    await sql(
      { databaseUrl: primary.url },
      `ALTER DATABASE ${new URL(replica.url).pathname.slice(1)} ALLOW_CONNECTIONS false`,
    );
    expect(await memosOf(daybook, 1)).toEqual(['primary']);
    await daybook.stop();
    await Promise.all([primary.drop(), replica.drop()]);
  });
});
