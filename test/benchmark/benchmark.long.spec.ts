/**
 * The load test measures the service from outside and finds no lost, repeated or out-of-order callbacks. Its exemptions
 * (from rate limits by its token, from the URL guard for its receiver) apply to the run alone and end with it.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { redisUrl } from '../support/redis.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

const QUICK = { input_data: 'x', iterations: 1, callback_url: null };
const COUNTS = { total_requests: 30, successful: 30, failed: 0 };
const TIMES = ['avg_latency_ms', 'min_latency_ms', 'max_latency_ms', 'p50_ms', 'p95_ms', 'p99_ms'];
const SYNC_FIELDS = ['mode', ...Object.keys(COUNTS), ...TIMES];
const ASYNC_FIELDS = [
  ...SYNC_FIELDS,
  'callbacks_received',
  ...['avg', 'p50', 'p95', 'p99'].map((name) => `${name}_callback_ms`),
  'fifo_inversions',
  'duplicates',
  'lost',
];
const IN_ORDER = { fifo_inversions: 0, duplicates: 0, lost: 0 };

let daybook: Daybook;
beforeAll(async () => {
  // Only a run can call its receiver and send more than a few requests.
  daybook = await startDaybook({ env: { CALLBACK_ALLOW: '', RATE_LIMIT_SYNC: '1/1h', RATE_LIMIT_ASYNC: '8/1h' } });
});

interface OpenRun {
  id: string;
  token_hash: string;
  receiver_url: string;
}

/** The run in progress, once its receiver is open. */
function openRun(): Promise<OpenRun> {
  return eventually(async () => {
    const [run] = await sql<OpenRun>(daybook, `SELECT * FROM benchmark_runs WHERE status = 'RUNNING'`);
    return run?.receiver_url ? run : null;
  });
}

/** Starts a run that lasts until it is cancelled. */
async function beginLong(): Promise<{ path: string; run: OpenRun }> {
  const settings = { mode: 'sync', rate: 5, duration_seconds: 120, num_transactions: 1 };
  const begun = await post(daybook, '/api/benchmark/runs', settings);
  expect([begun.status, begun.json.status]).toEqual([202, 'RUNNING']);
  return { path: begun.headers.get('location')!, run: await openRun() };
}

function expectTimes(report: Record<string, number>): void {
  expect(report.min_latency_ms).toBeGreaterThan(0);
  expect(report.p50_ms).toBeGreaterThanOrEqual(report.min_latency_ms!);
  expect(report.p99_ms).toBeGreaterThanOrEqual(report.p50_ms!);
  expect(report.max_latency_ms).toBeGreaterThanOrEqual(report.avg_latency_ms!);
}

describe('POST /api/benchmark/both', () => {
  it('measures both modes without rate limits and loses nothing; a concurrent run gets 409', async () => {
    const settings = { num_requests: 30, concurrency: 10 };
    const running = post(daybook, '/api/benchmark/both', settings);
    await openRun();
    const second = await post(daybook, '/api/benchmark/both', settings);
    expectProblem(second, 409, '/api/benchmark/both');
    const { status, json } = await running;
    expect([status, Object.keys(json)]).toEqual([200, ['sync', 'async', 'speedup', 'config', 'test_duration_ms']]);
    expect(Object.keys(json.sync)).toEqual(SYNC_FIELDS);
    expect(Object.keys(json.async)).toEqual(ASYNC_FIELDS);
    expect(json.sync).toMatchObject({ mode: 'sync', ...COUNTS });
    expect(json.async).toMatchObject({ mode: 'async', ...COUNTS, callbacks_received: 30, ...IN_ORDER });
    expect(json.config).toMatchObject({ ...settings, num_transactions: 50 });
    expectTimes(json.sync);
    expectTimes(json.async);
    expect(json.async.p50_callback_ms).toBeGreaterThan(json.async.min_latency_ms);
    const rows = await sql(daybook, 'SELECT mode, status, count(*)::int FROM requests GROUP BY 1, 2 ORDER BY 1');
    expect(rows).toEqual(['async', 'sync'].map((mode) => ({ mode, status: 'COMPLETED', count: 30 })));
  });

  it('applies defaults to a missing body', async () => {
    const { status, json } = await post(daybook, '/api/benchmark/async', undefined);
    expect([status, json]).toMatchObject([200, { total_requests: 20, callbacks_received: 20, ...IN_ORDER }]);
  });

  it.each([
    [{ concurrency: 201 }, 'concurrency'],
    [{ num_requests: 10_001 }, 'num_requests'],
    [{ num_transactions: 0 }, 'num_transactions'],
    [{ requests: 5 }, ''],
  ])('refuses %j', async (settings, path) => {
    const reply = await post(daybook, '/api/benchmark/both', settings);
    expectProblem(reply, 422);
    expect(reply.json.errors[0].path).toBe(path);
  });
});

describe('the exemptions of a run', () => {
  const callTo = (callbackUrl: string) =>
    post(daybook, '/api/async', { ...QUICK, callback_url: callbackUrl }, { 'x-benchmark-token': 'a guess' });

  it('allow callbacks to its own receiver only, until the run ends', async () => {
    const { path, run } = await beginLong();
    const { origin, port } = new URL(run.receiver_url);
    expect(run.receiver_url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/bench_[0-9a-f]{64}\/$/);
    const elsewhere = run.receiver_url.replace(port, String(Number(port) - 1));
    const guessed = `${origin}/bench_${'0'.repeat(64)}/0`;
    for (const url of [`${origin}/`, guessed, elsewhere, run.receiver_url.replace('127.0.0.1', 'localhost')])
      expectProblem(await callTo(url), 400);
    expect((await callTo(`${run.receiver_url}0`)).status).toBe(202);
    const cancelled = await post(daybook, `${path}/cancel`, undefined);
    expect([cancelled.status, cancelled.json.status]).toEqual([200, 'CANCELLED']);
    expectProblem(await callTo(`${run.receiver_url}2`), 400);
    expectProblem(await post(daybook, `${path}/cancel`, undefined), 409);
  });

  it('lift the rate limits for its token only, which no route returns', async () => {
    // A run of another process, with a token that the test knows.
    const token = 'f'.repeat(64);
    const hash = `encode(sha256('${token}'), 'hex')`;
    const id = '0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55';
    await sql(
      daybook,
      `INSERT INTO benchmark_runs (id, mode, status, settings, token_hash) VALUES ('${id}', 'sync', 'RUNNING', '{}', ${hash})`,
    );
    const ask = (given: string) => post(daybook, '/api/sync', QUICK, { 'x-benchmark-token': given });
    await eventually(async () => expect((await ask('')).status).toBe(429));
    await eventually(async () => expect((await ask(token)).status).toBe(200));
    expect([(await ask(token)).status, (await ask(token)).headers.get('ratelimit')]).toEqual([200, null]);
    await eventually(async () => expect((await ask(token.replace(/f$/, 'e'))).status).toBe(429));
    for (const path of ['/api/benchmark/runs', `/api/benchmark/runs/${id}`])
      expect((await get(daybook, path)).text).not.toMatch(/token|bench_|receiver/);
    await sql(daybook, `UPDATE benchmark_runs SET seen_at = now() - interval '1 minute' WHERE id = '${id}'`);
    await eventually(async () => expect((await ask(token)).status).toBe(429));
    // The run has no live process, so the next one may start.
    expect((await post(daybook, '/api/benchmark/sync', { concurrency: 1 })).status).toBe(200);
    expect((await get(daybook, `/api/benchmark/runs/${id}`)).json).toMatchObject({ status: 'FAILED' });
  });
});

describe('a run in the background', () => {
  it('streams its progress until it has ended, and keeps its result', async () => {
    const settings = {
      mode: 'async',
      report: 'digest',
      iterations: 10,
      rate: 50,
      duration_seconds: 2,
      ramp_seconds: 1,
    };
    const begun = await post(daybook, '/api/benchmark/runs', settings);
    const path = begun.headers.get('location')!;
    const stream = await get(daybook, `${path}/events`);
    expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const types = [...stream.text.matchAll(/^event: (\w+)$/gm)].map(([, type]) => type);
    expect(types.length).toBeGreaterThan(2);
    expect([...new Set(types)]).toEqual(['progress', 'end']);
    const { json } = await get(daybook, path);
    expect(json).toMatchObject({ status: 'COMPLETED', settings, result: { successful: 75, ...IN_ORDER } });
    expect(json.progress).toMatchObject({ stage: 'async', total: 75 });
    const { over_time, ...listed } = json;
    expect((await get(daybook, '/api/benchmark/runs?limit=1')).json.runs).toEqual([listed]);
    expect(over_time.sync).toBeNull();
    for (const slices of [over_time.accept, over_time.callback] as { count: number; at_s: number }[][]) {
      expect(slices.reduce((sum, { count }) => sum + count, 0)).toBe(75);
      expect(slices.every(({ at_s }) => at_s >= 0 && at_s < 3)).toBe(true);
    }
  });

  it('can be cancelled through any process of the installation', async () => {
    const { path, run } = await beginLong();
    await sql(daybook, `UPDATE benchmark_runs SET status = 'CANCELLED', finished_at = now() WHERE id = '${run.id}'`);
    const count = async () => Number((await sql(daybook, 'SELECT count(*) FROM requests'))[0]!.count);
    await eventually(async () => {
      const before = await count();
      await new Promise((resolve) => setTimeout(resolve, 500));
      return (await count()) === before;
    });
    expect((await get(daybook, path)).json).toMatchObject({ status: 'CANCELLED', result: null });
  });

  it.each(['0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c56', 'x'])('gets 404 with the unknown id %s', async (id) => {
    expectProblem(await get(daybook, `/api/benchmark/runs/${id}`), 404);
    expectProblem(await get(daybook, `/api/benchmark/runs/${id}/events`), 404);
    expectProblem(await post(daybook, `/api/benchmark/runs/${id}/cancel`, undefined), 404);
  });

  it('does not delay a shutdown', async () => {
    await beginLong();
    const waiting = post(daybook, '/api/benchmark/sync', {}).catch(() => null);
    await waiting;
    await daybook.stop();
    expect(await daybook.exited).toBe(0);
  });
});

it('a separate worker process calls the receiver of a run', async () => {
  const REDIS_URL = await redisUrl();
  const env = { ...UNLIMITED, CALLBACK_ALLOW: '', REDIS_URL };
  const api = await startDaybook({ role: 'api', env });
  await startDaybook({ role: 'worker', env: { ...env, DATABASE_URL: api.databaseUrl, DATA_DIR: api.dataDir } });
  const { json } = await post(api, '/api/benchmark/async', { concurrency: 10, num_requests: 40 });
  expect(json).toMatchObject({ successful: 40, callbacks_received: 40, ...IN_ORDER });
});
