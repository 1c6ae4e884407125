/** Due times in the face of crashes, of several processes, and of a clock of the database that jumps. */
import { expect, it } from '@jest/globals';
import { Client } from 'pg';
import { createDatabase } from '../support/database.js';
import { get, post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

const SCHEDULES = 1_000;
const PATIENCE = { timeoutMs: 120_000, everyMs: 20 };

type At = Pick<Daybook, 'databaseUrl'>;

async function openDatabase(): Promise<At> {
  return { databaseUrl: (await createDatabase()).url };
}

const start = ({ databaseUrl }: At): Promise<Daybook> =>
  startDaybook({ env: { ...UNLIMITED, DATABASE_URL: databaseUrl } });

/** Adds schedules that are due in the same second, a few seconds from now. */
const addSchedules = (at: At) =>
  sql(
    at,
    `INSERT INTO schedules (id, account_id, name, report, payload, every, at_time, timezone, lane, next_due_at, attempt_at)
      SELECT gen_random_uuid(), '00000000-0000-0000-0000-000000000000', 'n', 'digest',
        '{"input_data":"x","iterations":1}', 'day', '06:00', 'UTC', 'lane-' || n % 50, due, due
      FROM generate_series(1, ${SCHEDULES}) n, date_trunc('second', now() + interval '3 seconds') due`,
  );

async function countRuns(at: At): Promise<number> {
  const [row] = await sql<{ count: number }>(at, 'SELECT count(*)::integer AS count FROM schedule_runs');
  return row!.count;
}

/** Each schedule has one run, each run has a request of its own, and there are no other requests. */
async function expectEachAcceptedOnce(at: At): Promise<void> {
  await eventually(async () => (await countRuns(at)) === SCHEDULES, PATIENCE);
  const [row] = await sql(
    at,
    `SELECT (SELECT count(*)::integer FROM requests) AS requests,
      (SELECT count(DISTINCT schedule_id)::integer FROM schedule_runs) AS schedules,
      (SELECT count(DISTINCT request_id)::integer FROM schedule_runs JOIN requests r ON r.id = request_id) AS accepted,
      (SELECT count(*)::integer FROM schedules WHERE run_count <> 1 OR next_due_at <= now()) AS unsettled`,
  );
  expect(row).toEqual({ requests: SCHEDULES, schedules: SCHEDULES, accepted: SCHEDULES, unsettled: 0 });
}

it('1,000 schedules that are due in the same second are accepted once by two processes', async () => {
  const database = await openDatabase();
  await Promise.all([start(database), start(database)]);
  await addSchedules(database);
  await expectEachAcceptedOnce(database);
});

it('1,000 schedules that are due when processes are killed are accepted once', async () => {
  const database = await openDatabase();
  const processes = await Promise.all([start(database), start(database)]);
  await addSchedules(database);
  for (const [index, one] of processes.entries()) {
    await eventually(async () => (await countRuns(database)) > (index + 1) * 150, PATIENCE);
    one.kill('SIGKILL');
    await one.exited;
  }
  const before = await countRuns(database);
  await start(database);
  await expectEachAcceptedOnce(database);
  expect(before).toBeLessThan(SCHEDULES);
});

/** Puts a clock before that of Postgres which can be set. Connections from then on use it. */
async function installClock({ databaseUrl }: At): Promise<void> {
  const client = new Client({ connectionString: databaseUrl! });
  await client.connect();
  const name = new URL(databaseUrl!).pathname.slice(1);
  await client.query(`CREATE TABLE test_clock (ahead interval NOT NULL);
    INSERT INTO test_clock VALUES ('0');
    CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql STABLE
      AS 'SELECT pg_catalog.now() + (SELECT ahead FROM public.test_clock)';
    CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
      AS 'SELECT pg_catalog.clock_timestamp() + (SELECT ahead FROM public.test_clock)';
    ALTER DATABASE ${name} SET search_path = public, pg_catalog`);
  await client.end();
}

it('a clock that jumps neither loses nor repeats a due time', async () => {
  const database = await openDatabase();
  await installClock(database);
  const [daybook] = await Promise.all([start(database), start(database)]);
  const createdAt = Date.now();
  for (let hour = 0; hour < 24; hour++) {
    const at = `${String(hour).padStart(2, '0')}:30`;
    const body = { name: at, report: 'digest', payload: { input_data: 'x', iterations: 1 }, every: 'day', at };
    expect((await post(daybook, '/api/schedules', { ...body, callback_url: null })).status).toBe(201);
  }
  const jump = (ahead: string) => sql(database, 'UPDATE test_clock SET ahead = $1', [ahead]);
  const isIdle = () =>
    eventually(async () => {
      const [row] = await sql<{ due: number }>(
        database,
        `SELECT count(*)::integer AS due FROM schedules, test_clock WHERE next_due_at <= pg_catalog.now() + ahead`,
      );
      return row!.due === 0;
    }, PATIENCE);
  for (const ahead of ['3 days', '1 day', '-2 days', '3 days 1 hour', '2 days', '9 days']) {
    await jump(ahead);
    await isIdle();
    // The processes go on: both look for due times in every sweep.
    const { json } = await post(daybook, '/api/sync', { input_data: 'x', iterations: 1 });
    expect(json.status).toBe('completed');
  }
  const { json } = await get(daybook, '/api/schedules?limit=200');
  expect(json.schedules).toHaveLength(24);
  for (const { id, name } of json.schedules as { id: string; name: string }[]) {
    const { runs } = (await get(daybook, `/api/schedules/${id}/runs?limit=200`)).json;
    const due = (runs as { due_at: string }[]).map(({ due_at }) => due_at).toReversed();
    const first = Date.parse(due[0]!);
    expect(first - createdAt).toBeGreaterThan(0);
    expect(first - createdAt).toBeLessThanOrEqual(86_400_000);
    // Nine days, each with one due time.
    expect(due).toEqual(Array.from({ length: 9 }, (_, day) => new Date(first + day * 86_400_000).toISOString()));
    expect(due.every((time) => time.endsWith(`T${name}:00.000Z`))).toBe(true);
  }
});
