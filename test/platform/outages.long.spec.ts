/** While Postgres refuses temporarily, callers get 503 and may retry. No work is lost or fails. */
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { DatabaseUnavailable } from '../../src/platform/database/outages.js';
import type { Query } from '../../src/platform/database/database.js';
import { expectProblem, get, post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { openStores, type Stores } from '../support/stores.js';
import { UNLIMITED } from '../support/submit.js';

const BODY = { num_transactions: 1, callback_url: null };

/** Runs a statement as the owner of the server, outside of any pooler. */
async function asOwner(statement: string, database = 'postgres'): Promise<void> {
  const url = new URL(process.env.TEST_DATABASE_URL!);
  if (database !== 'postgres') url.pathname = database;
  const client = new Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

const databaseOf = ({ databaseUrl }: Daybook): string => new URL(databaseUrl!).pathname.slice(1);

/** Ends every session of a database, so that new ones use its current settings. */
const endSessions = (name: string): Promise<void> =>
  asOwner(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);

async function alter(name: string, what: string): Promise<void> {
  await asOwner(`ALTER DATABASE ${name} ${what}`);
  await endSessions(name);
}

async function expectRefused(daybook: Daybook): Promise<void> {
  for (const [path, body] of [
    ['/api/async', BODY],
    ['/api/sync', BODY],
    ['/api/batch', { requests: [BODY, BODY] }],
  ] as const) {
    const reply = await post(daybook, path, body, { 'Idempotency-Key': `${path} ${Math.random()}` });
    expectProblem(reply, 503);
    expect(reply.json.type).toBe('urn:daybook:problem:database-unavailable');
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
  }
}

/** Expects that every route works again, and that no earlier request is lost or has failed. */
async function expectRecovered(daybook: Daybook): Promise<void> {
  await eventually(async () => (await get(daybook, '/readyz')).status === 200);
  await eventually(async () => (await post(daybook, '/api/async', BODY)).status === 202);
  await eventually(async () => (await post(daybook, '/api/sync', BODY)).status === 200);
  await eventually(async () => {
    const { requests } = (await get(daybook, '/api/requests?limit=200')).json;
    return requests.every(({ status }: { status: string }) => status === 'COMPLETED');
  });
}

describe('while the database', () => {
  let daybook: Daybook;
  beforeAll(async () => {
    daybook = await startDaybook({ env: { ...UNLIMITED, SWEEP_INTERVAL: '200ms', LANE_LEASE: '2s' } });
  });
  afterEach(() => expectRecovered(daybook));

  /** Work that is pending when the outage begins. */
  const submit = async (): Promise<void> => {
    for (let index = 0; index < 20; index++) {
      const { status } = await post(daybook, '/api/async', { ...BODY, num_transactions: 2_000 });
      expect(status).toBe(202);
    }
  };

  it('is read-only, writes get 503, reads work, and the process is not ready', async () => {
    await submit();
    await alter(databaseOf(daybook), 'SET default_transaction_read_only = on');
    // The service notices the ended sessions first.
    await eventually(async () => (await get(daybook, '/readyz')).json.cause === 'database-read-only');
    expect((await get(daybook, '/readyz')).json).toEqual({ ready: false, cause: 'database-read-only' });
    expect((await get(daybook, '/healthz')).json).toMatchObject({ status: 'degraded', db_connected: true });
    await expectRefused(daybook);
    for (const path of ['/api/requests', '/api/callbacks', '/api/lanes'])
      expect([path, (await get(daybook, path)).status]).toEqual([path, 200]);
    await alter(databaseOf(daybook), 'RESET default_transaction_read_only');
  });

  it('refuses connections, every request gets 503, and the process is not ready', async () => {
    await submit();
    await alter(databaseOf(daybook), 'ALLOW_CONNECTIONS false');
    await eventually(async () => (await get(daybook, '/readyz')).status === 503);
    expect((await get(daybook, '/readyz')).json.cause).toMatch(/^database-(stopping|unreachable)$/);
    await expectRefused(daybook);
    for (const path of ['/api/requests', '/api/callbacks', '/api/lanes']) expectProblem(await get(daybook, path), 503);
    await alter(databaseOf(daybook), 'ALLOW_CONNECTIONS true');
  });

  it.each(['lock_timeout', 'statement_timeout'])('ends statements by %s, they get 503', async (setting) => {
    await submit();
    const name = databaseOf(daybook);
    await alter(name, `SET ${setting} = '300ms'`);
    const locking = new Client({ connectionString: process.env.TEST_DATABASE_URL!.replace(/\/[^/]*$/, `/${name}`) });
    await locking.connect();
    await locking.query('BEGIN; LOCK TABLE requests IN ACCESS EXCLUSIVE MODE');
    await expectRefused(daybook);
    expectProblem(await get(daybook, '/api/requests'), 503);
    await locking.end();
    await alter(name, `RESET ${setting}`);
  });

  it('ends sessions again and again, requests get 503 or succeed', async () => {
    await submit();
    const name = databaseOf(daybook);
    const replies: number[] = [];
    for (let round = 0; round < 10; round++) {
      const asked = [post(daybook, '/api/async', BODY), get(daybook, '/api/requests'), endSessions(name)] as const;
      const [accepted, listed] = await Promise.all(asked);
      replies.push(accepted.status, listed.status);
    }
    expect(replies.filter((status) => ![200, 202, 503].includes(status))).toEqual([]);
  });
});

describe('while the role may not connect', () => {
  it.each([
    ['CONNECTION LIMIT 0', 'CONNECTION LIMIT -1', 'database-too-many-connections'],
    ['NOLOGIN', 'LOGIN', 'database-refused'],
  ])('with %s, everything gets 503 until it may', async (impose, lift, cause) => {
    const stores = await openStores();
    const role = `daybook_${Math.random().toString(36).slice(2)}`;
    // Not through a PgBouncer, which has the connections of one role for all clients.
    const url = new URL(process.env.TEST_DATABASE_URL!);
    url.pathname = new URL(stores.url).pathname;
    await asOwner(`CREATE ROLE ${role} LOGIN PASSWORD 'p'; GRANT ${url.username} TO ${role}`);
    Object.assign(url, { username: role, password: 'p' });
    const daybook = await startDaybook({ env: { ...UNLIMITED, DATABASE_URL: url.href, SWEEP_INTERVAL: '200ms' } });
    await asOwner(`ALTER ROLE ${role} ${impose}`);
    await asOwner(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`);
    await eventually(async () => (await get(daybook, '/readyz')).json.cause === cause);
    await expectRefused(daybook);
    expectProblem(await get(daybook, '/api/requests'), 503);
    await asOwner(`ALTER ROLE ${role} ${lift}`);
    await expectRecovered(daybook);
    await daybook.stop();
    await asOwner(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });
});

describe('a conflict', () => {
  let stores: Stores;
  beforeAll(async () => {
    stores = await openStores();
    await stores.sql('CREATE TABLE counters (id integer PRIMARY KEY, count integer NOT NULL)');
    await stores.sql('INSERT INTO counters VALUES (1, 0), (2, 0)');
  });

  const statement = (text: string) => ({ name: '', text });
  const increment = (query: Query, id: number) =>
    query(statement(`UPDATE counters SET count = count + 1 WHERE id = ${id}`));
  const counts = async () =>
    (await stores.sql<{ count: number }>('SELECT count FROM counters ORDER BY id')).map(({ count }) => count);

  it('of two transactions that lock in opposite order runs one of them again', async () => {
    let arrived = 0;
    let bothLocked: () => void = () => undefined;
    const meeting = new Promise<void>((resolve) => (bothLocked = resolve));
    const crosswise = (first: number, second: number): Promise<boolean> =>
      stores.database.transaction(async (query) => {
        await increment(query, first);
        if (++arrived === 2) bothLocked();
        await meeting;
        await increment(query, second);
        return true;
      });
    expect(await Promise.all([crosswise(1, 2), crosswise(2, 1)])).toEqual([true, true]);
    expect(await counts()).toEqual([2, 2]);
  });

  it('of serializable transactions runs them again', async () => {
    const add = (): Promise<boolean> =>
      stores.database.transaction(async (query) => {
        await query(statement('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE'));
        await query(statement('SELECT sum(count) FROM counters'));
        await increment(query, 1);
        return true;
      });
    await Promise.all([add(), add()]);
    expect(await counts()).toEqual([4, 2]);
  });

  it('becomes an outage after a bounded number of tries', async () => {
    let tries = 0;
    const conflict = stores.database.transaction(async (query) => {
      tries++;
      await query(statement(`DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$`));
      return true;
    });
    await expect(conflict).rejects.toMatchObject({ constructor: DatabaseUnavailable, reason: 'conflict' });
    expect(tries).toBe(4);
  });

  it('of a cached plan with a changed table, or a missing prepared statement, prepares it again', async () => {
    const list = { name: 'list_counters', text: 'SELECT * FROM counters ORDER BY id' };
    await stores.database.query(list);
    await stores.sql('ALTER TABLE counters ADD COLUMN added integer');
    expect(await stores.database.query(list)).toHaveLength(2);
    await stores.database.query(statement('DEALLOCATE ALL'));
    expect(await stores.database.query(list)).toHaveLength(2);
  });
});
