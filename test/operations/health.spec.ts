/** Operators see the failed dependency and its error. Other callers see only the overall status. */
import { rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { environmentSchema } from '../../src/platform/config/config.js';
import { expectProblem, get } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { createKey } from '../support/keys.js';
import { startRedisServer } from '../support/redis-server.js';
import { sql } from '../support/sql.js';
import { registerUser } from '../support/users.js';

const UP = { status: 'up', cause: null, latency_ms: expect.any(Number) };

/** An address of this machine that is not loopback. */
function addressOfNetwork(): string | undefined {
  const found = Object.values(networkInterfaces()).flat();
  return found.find((one) => one && !one.internal && one.family === 'IPv4')?.address;
}

describe('GET /api/health for operators', () => {
  let daybook: Daybook;
  beforeAll(async () => {
    const env = { HOST: '0.0.0.0', ALLOW_OPEN: 'true', SWEEP_INTERVAL: '200ms', MIN_FREE_DISK: 'off' };
    daybook = await startDaybook({ env });
  });

  const dependencies = async () => (await get(daybook, '/api/health')).json.dependencies;

  it('has every dependency with its latency and version, the migrations, and the load of the process', async () => {
    const reply = await eventually(async () => {
      const seen = await get(daybook, '/api/health');
      return seen.json.status === 'ok' && seen;
    });
    expect([reply.status, reply.json]).toEqual([
      200,
      {
        status: 'ok',
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        role: 'all',
        uptime_seconds: expect.any(Number),
        dependencies: {
          database: { ...UP, version: expect.stringMatching(/^\d+/) },
          queue: { ...UP, version: null, driver: 'in-process' },
          storage: { ...UP, version: null },
          mail: { ...UP, version: null, driver: 'none' },
          workers: { ...UP, version: null, alive: 1, active: 0 },
        },
        queues: { reports: { paused_at: null }, callbacks: { paused_at: null }, mail: { paused_at: null } },
        migrations: { status: 'current', newest: expect.any(String), applied: expect.any(Number), pending: [] },
        cpu: { cores: expect.any(Number), process_percent: expect.any(Number), load_average: expect.any(Array) },
        memory: expect.objectContaining({ rss_bytes: expect.any(Number), machine_total_bytes: expect.any(Number) }),
        event_loop_lag_ms: { mean: expect.any(Number), p99: expect.any(Number), max: expect.any(Number) },
        disk: { free_bytes: expect.any(Number), total_bytes: expect.any(Number), is_low: false },
      },
    ]);
    expect(reply.json.cpu.process_percent).toBeGreaterThanOrEqual(0);
  });

  it('shows callers from other machines only the status', async () => {
    const address = addressOfNetwork();
    if (address === undefined) return;
    expect((await get(daybook, '/api/health')).json).toHaveProperty('dependencies');
    const outside = { url: daybook.url.replace('127.0.0.1', address) };
    expect(Object.keys((await get(outside, '/api/health')).json)).toEqual(['status']);
  });

  it('has its settings in GET /api/settings, without passwords, and refuses it to callers from other machines', async () => {
    const { status, json, text } = await get(daybook, '/api/settings');
    expect(status).toBe(200);
    const settings = new Map((json.settings as { name: string }[]).map((setting) => [setting.name, setting]));
    expect([...settings.keys()]).toEqual(Object.keys(environmentSchema.shape));
    expect(settings.get('SWEEP_INTERVAL')).toEqual({
      name: 'SWEEP_INTERVAL',
      section: 'jobs',
      value: '200ms',
      source: 'environment',
      is_secret: false,
      description: environmentSchema.shape.SWEEP_INTERVAL.description,
    });
    expect(settings.get('REQUEST_TIMEOUT')).toMatchObject({ value: '30s', source: 'default' });
    expect(settings.get('TOKEN_SECRET')).toMatchObject({ value: null, is_secret: true });
    const { username, password } = new URL(daybook.databaseUrl!);
    if (password !== '') expect(text).not.toContain(`${username}:${password}@`);
    const address = addressOfNetwork();
    if (address === undefined) return;
    const outside = { url: daybook.url.replace('127.0.0.1', address) };
    expectProblem(await get(outside, '/api/settings'), 403, '/api/settings');
  });

  it('reports migrations of a later version and missing ones', async () => {
    await sql(daybook, `INSERT INTO migrations (timestamp, name) VALUES (9999999999999, 'Later9999999999999')`);
    await eventually(async () => (await get(daybook, '/api/health')).json.migrations.status === 'newer');
    await sql(daybook, `UPDATE migrations SET name = name || 'x' WHERE name <> 'Later9999999999999'`);
    await eventually(async () => (await get(daybook, '/api/health')).json.migrations.status === 'pending');
    expect((await get(daybook, '/api/health')).json).toMatchObject({ status: 'degraded' });
    await sql(daybook, `DELETE FROM migrations WHERE name = 'Later9999999999999'`);
    await sql(daybook, `UPDATE migrations SET name = rtrim(name, 'x')`);
    await eventually(async () => (await get(daybook, '/api/health')).json.status === 'ok');
  });

  it('reports why the storage is down, and deletes the object of its probe', async () => {
    const results = join(daybook.dataDir, 'files/results');
    rmSync(results, { recursive: true });
    writeFileSync(results, '');
    await eventually(async () => (await dependencies()).storage.status === 'down');
    expect((await dependencies()).storage).toMatchObject({
      cause: expect.stringMatching(/^[a-z-]+$/),
      latency_ms: null,
    });
    rmSync(results);
  });

  it('answers 200 while the database is down, and reports why', async () => {
    const name = new URL(daybook.databaseUrl!).pathname.slice(1);
    const server = { databaseUrl: process.env.TEST_DATABASE_URL! };
    await sql(server, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await sql(server, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
    const { database } = await eventually(async () => {
      const seen = await dependencies();
      return seen.database.status === 'down' && seen;
    });
    expect(database).toMatchObject({ cause: expect.stringMatching(/^(stopping|unreachable)$/), latency_ms: null });
    expect((await get(daybook, '/api/health')).json).toMatchObject({ status: 'degraded', migrations: null });
    await sql(server, `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    await eventually(async () => (await dependencies()).database.status === 'up');
  });
});

it('GET /api/health names the Redis of the queue, and reports why it is down', async () => {
  const redis = await startRedisServer({ password: 'right' });
  const REDIS_URL = `redis://:right@127.0.0.1:${redis.port}`;
  const daybook = await startDaybook({ env: { REDIS_URL, SWEEP_INTERVAL: '200ms' } });
  const queue = async () => (await get(daybook, '/api/health')).json.dependencies.queue;
  await eventually(async () => (await queue()).status === 'up');
  expect(await queue()).toEqual({ ...UP, driver: 'redis', version: expect.stringMatching(/^\d+\.\d+/) });
  await redis.stop();
  await eventually(async () => (await queue()).status === 'down');
  expect((await queue()).cause).toMatch(/^(unreachable|timeout)$/);
  await daybook.stop();
});

it('GET /api/health shows only the status to other callers, and GET /api/settings nothing', async () => {
  const daybook = await startDaybook({ env: { AUTH: 'required', SWEEP_INTERVAL: '200ms' } });
  const admin = await createKey(daybook, ['admin']);
  const reader = await createKey(daybook, ['reports:read']);
  const seen = (headers: Record<string, string>) => get(daybook, '/api/health', headers);
  const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });
  await eventually(async () => (await seen(bearer(admin.key))).json.dependencies?.workers.status === 'up');
  for (const headers of [
    {},
    bearer(reader.key),
    bearer('dbk_x_y'),
    bearer(`${admin.key}x`),
    { Authorization: 'Basic eA==' },
  ]) {
    const reply = await seen(headers);
    expect([reply.status, reply.json]).toEqual([200, { status: 'ok' }]);
  }
  const settings = (headers: Record<string, string>) => get(daybook, '/api/settings', headers);
  expect((await settings(bearer(admin.key))).json.settings).toHaveLength(Object.keys(environmentSchema.shape).length);
  const keeper = await createKey(daybook, ['reports:read', 'reports:write', 'books:read', 'books:write']);
  const organizer = await registerUser(daybook, 'organizer');
  for (const { headers } of [keeper, organizer]) expectProblem(await settings(headers), 403, '/api/settings');
  expectProblem(await settings({}), 401, '/api/settings');
  await daybook.stop();
});
