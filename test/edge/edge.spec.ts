/**
 * Every response carries a request id, only the origins in CORS_ORIGINS may read responses, and health reports the
 * real state of the process.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { holdLane, releaseLane, sql, whileNothingFinishes } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ALLOWED = ['https://app.example.com', 'http://localhost:5173'];
const OTHERS = ['https://evil.example.com', 'https://app.example.com.evil.com', 'http://app.example.com', 'null'];

let daybook: Daybook;
beforeAll(async () => {
  const settings = {
    CORS_ORIGINS: 'https://App.Example.com:443, http://localhost:5173',
    RATE_LIMIT_DEFAULT: '10000/60s',
    SWEEP_INTERVAL: '100ms',
  };
  daybook = await startDaybook({ env: { ...UNLIMITED, ...settings } });
});

/** One response from each part that can answer: controllers, pages, the parser, the router, pipes. */
const EVERY_KIND: [string, (headers: Record<string, string>) => Promise<Reply>][] = [
  ['200', (headers) => get(daybook, '/healthz', headers)],
  ['200 of /docs', (headers) => get(daybook, '/docs', headers)],
  ['202', (headers) => post(daybook, '/api/async', { callback_url: null }, headers)],
  ['400 of the parser', (headers) => post(daybook, '/api/sync', '{', headers)],
  ['404 of the router', (headers) => get(daybook, '/nope', headers)],
  ['404', (headers) => get(daybook, '/api/requests/1', headers)],
  ['413', (headers) => post(daybook, '/api/sync', ' '.repeat(1 << 20), headers)],
  ['415', (headers) => post(daybook, '/api/sync', 'a', { ...headers, 'Content-Type': 'text/plain' })],
  ['422', (headers) => post(daybook, '/api/sync', { lane: '' }, headers)],
];

describe.each(EVERY_KIND)('a response %s', (kind, call) => {
  it('carries the request id of the caller, or a new one', async () => {
    const reply = await call({ 'X-Request-Id': 'caller:1.a-B_c' });
    expect(reply.status).toBe(Number.parseInt(kind, 10));
    expect(reply.headers.get('x-request-id')).toBe('caller:1.a-B_c');
    const own = [await call({}), await call({})].map(({ headers }) => headers.get('x-request-id'));
    expect(own).toEqual([expect.stringMatching(UUID), expect.stringMatching(UUID)]);
    expect(own[0]).not.toBe(own[1]);
  });

  it('does not name the server software', async () => {
    const { headers } = await call({});
    expect([headers.get('x-powered-by'), headers.get('server')]).toEqual([null, null]);
  });

  it('may be read by pages of an allowed origin', async () => {
    for (const origin of ALLOWED) {
      const { headers } = await call({ Origin: origin });
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('vary')).toContain('Origin');
    }
  });

  it('may not be read by pages of other origins', async () => {
    for (const origin of OTHERS) {
      const { headers } = await call({ Origin: origin });
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  });
});

it.each(['', 'a b', 'a\tb', 'a,b', '<script>', 'a"b', 'x'.repeat(129), 'caf\u00e9'])(
  'the request id %j is replaced',
  async (given) => {
    const { headers } = await get(daybook, '/healthz', { 'X-Request-Id': given });
    expect(headers.get('x-request-id')).toMatch(UUID);
  },
);

it('a request id of 128 characters is kept', async () => {
  const id = 'x'.repeat(128);
  expect((await get(daybook, '/healthz', { 'X-Request-Id': id })).headers.get('x-request-id')).toBe(id);
});

describe('CORS', () => {
  const preflight = (target: Daybook, Origin: string) =>
    send(target, 'OPTIONS', '/api/async', {
      headers: {
        Origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'content-type,idempotency-key',
      },
    });

  it('exposes the headers of this API', async () => {
    const { headers } = await get(daybook, '/api/requests', { Origin: ALLOWED[0]! });
    const exposed = headers.get('access-control-expose-headers')!.toLowerCase().split(/,\s*/);
    expect(exposed).toEqual(
      expect.arrayContaining(
        `content-disposition etag idempotency-replayed location preference-applied ratelimit ratelimit-policy
        retry-after www-authenticate x-request-id`.split(/\s+/),
      ),
    );
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('lets only allowed origins send a POST with an idempotency key', async () => {
    const { status, headers } = await preflight(daybook, ALLOWED[1]!);
    expect([status, headers.get('access-control-allow-origin')]).toEqual([204, ALLOWED[1]]);
    expect(headers.get('access-control-allow-methods')).toContain('POST');
    expect(headers.get('access-control-allow-headers')).toBe('content-type,idempotency-key');
    for (const origin of OTHERS)
      expect((await preflight(daybook, origin)).headers.get('access-control-allow-origin')).toBeNull();
  });

  it('is off by default', async () => {
    const closed = await startDaybook();
    for (const origin of [...ALLOWED, ...OTHERS, closed.url]) {
      for (const { headers } of [await get(closed, '/healthz', { Origin: origin }), await preflight(closed, origin)])
        expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });
});

describe('health', () => {
  it('has exactly these fields', async () => {
    const { status, json } = await eventually(async () => {
      const reply = await get(daybook, '/healthz');
      return reply.json.queue_depth === 0 && reply.json.active_workers === 0 && reply.json.workers === 1 && reply;
    });
    const idle = { status: 'ok', queue_depth: 0, active_workers: 0, workers: 1, db_connected: true };
    expect([status, json]).toEqual([200, { ...idle, uptime_seconds: expect.any(Number) }]);
    expect(Number.isInteger(json.uptime_seconds)).toBe(true);
  });

  it('counts the unfinished async requests of all lanes', async () => {
    const expectDepth = (depth: number) =>
      eventually(async () => expect((await get(daybook, '/healthz')).json.queue_depth).toBe(depth));
    for (const lane of ['a', 'a', 'b']) {
      await holdLane(daybook, lane);
      await post(daybook, '/api/async', { lane, callback_url: null });
    }
    await expectDepth(3);
    await releaseLane(daybook, 'a');
    await expectDepth(1);
    await releaseLane(daybook, 'b');
    await expectDepth(0);
  });

  it.each(['async', 'sync'])('counts a worker as active while it runs a report: %s', async (mode) => {
    await whileNothingFinishes(daybook, async () => {
      void post(daybook, `/api/${mode}`, { lane: 'active', callback_url: null }).catch(() => undefined);
      await eventually(async () =>
        expect((await get(daybook, '/healthz')).json).toMatchObject({ active_workers: 1, workers: 1 }),
      );
    });
    await eventually(async () =>
      expect((await get(daybook, '/healthz')).json).toMatchObject({ active_workers: 0, workers: 1 }),
    );
  });

  it('is degraded and not ready while the database is unavailable', async () => {
    const url = new URL(daybook.databaseUrl!);
    const server = { databaseUrl: process.env.TEST_DATABASE_URL! };
    const name = url.pathname.slice(1);
    expect(await get(daybook, '/readyz')).toMatchObject({ status: 200, json: { ready: true } });
    await sql(server, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await sql(server, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
    const reply = await eventually(async () => {
      const ready = await get(daybook, '/readyz');
      return ready.status === 503 && ready;
    });
    expect(reply.json).toEqual({ ready: false, cause: expect.stringMatching(/^database-/) });
    const degraded = await get(daybook, '/healthz');
    expect([degraded.status, degraded.json]).toMatchObject([200, { status: 'degraded', db_connected: false }]);
    expect(degraded.json).toMatchObject({ queue_depth: null, active_workers: null, workers: null });
    await sql(server, `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    await eventually(async () => (await get(daybook, '/readyz')).json.ready === true);
    expect((await get(daybook, '/healthz')).json).toMatchObject({ status: 'ok', db_connected: true });
  });
});
