/**
 * With `AUTH=required`, only health and documentation are open without an API key, and a key can do what its scopes
 * allow and no more.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Pool } from 'undici';
import { SCOPES } from '../../src/http/scopes.js';
import { expectProblem, get, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { createKey, type TestKey } from '../support/keys.js';
import { registerUser, type TestUser } from '../support/users.js';
import { UNLIMITED } from '../support/submit.js';
import { UNKNOWN_ID, challenge, expectUnauthenticated } from './authentication-fixture.js';

const ROUTES = fileURLToPath(new URL('../support/routes.js', import.meta.url));
/** Monitoring needs no key. */
const OPEN = ['GET /healthz', 'GET /api/health', 'GET /readyz', 'GET /metrics'];
/** The script of the page on which a browser signs in to the queue board. */
const SIGN_IN = 'GET /admin/queues/sign-in.js';
/** The queue board is not in the OpenAPI document: its routes are those of its library. */
const BOARD = / \/admin\/queues\b/;
/** Routes for anyone. Their response depends on the caller. */
const PUBLIC = [
  'POST /api/auth/register',
  'POST /api/auth/login',
  'POST /api/auth/refresh',
  'POST /api/auth/logout',
  'POST /api/auth/reset',
  'POST /api/auth/reset/confirm',
  'POST /api/session',
  'GET /api/session',
  'DELETE /api/session',
  'GET /api/events',
  'GET /api/events/{id}',
];
/** Routes only for users, with the role that may call them. They do not depend on `AUTH`. */
const FOR_USERS: Record<string, 'any' | 'organizer' | 'customer'> = {
  'GET /api/auth/me': 'any',
  'POST /api/auth/password': 'any',
  'POST /api/events': 'organizer',
  'PUT /api/events/{id}': 'organizer',
  'PATCH /api/events/{id}': 'organizer',
  'DELETE /api/events/{id}': 'organizer',
  'GET /api/events/{id}/bookings': 'organizer',
  'POST /api/bookings': 'customer',
  'GET /api/bookings/me': 'customer',
  'GET /api/bookings/{id}': 'any',
  'POST /api/bookings/{id}/cancel': 'customer',
};
/** Absent with `AUTH=required`, because callbacks carry no key. */
const ABSENT = [
  'POST /api/callbacks/receive',
  'GET /api/callbacks/history',
  'DELETE /api/callbacks/history',
  'GET /api/callbacks/simulate-failures',
  'POST /api/callbacks/simulate-failures',
];

/** Of `bundles/redoc.standalone.js` in redoc 2.5.4 of npm. */
const REDOC_SHA256 = 'dcaf76612bc4a3fbcc923a8966dee2f6146a5f32e5ce1b6f02dd60cbbf89500b';

const settings = { ...UNLIMITED, AUTH: 'required', LOG_LEVEL: 'debug' };
let daybook: Daybook;
let admin: TestKey;
const limited: Record<string, TestKey> = {};
let users: Record<'organizer' | 'customer', TestUser>;

beforeAll(async () => {
  daybook = await startDaybook({ env: settings });
  admin = await createKey(daybook, ['admin']);
  for (const scope of SCOPES) if (scope !== 'admin') limited[scope] = await createKey(daybook, [scope]);
  const [organizer, customer] = await Promise.all([
    registerUser(daybook, 'organizer'),
    registerUser(daybook, 'customer'),
  ]);
  users = { organizer, customer };
});

describe('every route that a controller declares', () => {
  let declared: string[];
  let access: Record<string, string>;
  let described: Record<string, Record<string, { security?: Record<string, string[]>[]; responses: object }>>;
  const call = (route: string, headers: Record<string, string> = {}): Promise<Reply> => {
    const [method = '', path = ''] = route.split(' ');
    return send(daybook, method, path.replaceAll(/\{\w+\}/g, UNKNOWN_ID), { headers });
  };
  const scopeOf = (route: string): string => {
    if (BOARD.test(route)) return access[route]!;
    const [method = '', path = ''] = route.split(' ');
    return described[path]![method.toLowerCase()]!.security![0]!['api_key']![0]!;
  };
  const forUsers = () => Object.keys(FOR_USERS);
  const excepted = () => [...OPEN, SIGN_IN, ...PUBLIC, ...ABSENT, ...forUsers()];
  const guarded = () => declared.filter((route) => !excepted().includes(route));

  beforeAll(async () => {
    access = JSON.parse((await promisify(execFile)(process.execPath, [ROUTES, '--access'])).stdout);
    declared = Object.keys(access);
    described = (await get(daybook, '/openapi.json')).json.paths;
  });

  it('declares its access, and only the listed routes are open or for users', () => {
    const those = (wanted: (access: string) => boolean) => declared.filter((route) => wanted(access[route]!)).sort();
    expect(those((found) => found === '')).toEqual([]);
    expect(those((found) => found === 'none').filter((route) => !ABSENT.includes(route))).toEqual(
      [...OPEN, SIGN_IN].sort(),
    );
    expect(those((found) => found === 'public')).toEqual([...PUBLIC].sort());
    const roles = those((found) => found.startsWith('user:')).map((route) => [route, access[route]!.slice(5)]);
    expect(Object.fromEntries(roles)).toEqual(FOR_USERS);
  });

  it('for users returns 401 for an API key, and 403 for a user with another role', async () => {
    for (const [route, role] of Object.entries(FOR_USERS)) {
      const reply = await call(route, admin.headers);
      expect([route, reply.status]).toEqual([route, 401]);
      expectUnauthenticated(reply, 'none');
      for (const user of Object.values(users)) {
        const { status } = await call(route, user.headers);
        const isAdmitted = role === 'any' || role === user.role;
        expect([route, user.role, status === 401]).toEqual([route, user.role, false]);
        if (!isAdmitted) expect([route, user.role, status]).toEqual([route, user.role, 403]);
      }
    }
  });

  it('admits users by the scopes of their role, as it admits keys', async () => {
    const organizer = ['events:write', 'books:read', 'books:write', 'reports:read', 'reports:write'];
    for (const route of guarded()) {
      const isOpen = organizer.includes(scopeOf(route));
      const [own, other] = [await call(route, users.organizer.headers), await call(route, users.customer.headers)];
      expect([route, own.status === 403, other.status]).toEqual([route, !isOpen, 403]);
    }
  });

  it('is 401 without a key, with a challenge', async () => {
    expect(guarded().length).toBeGreaterThan(25);
    for (const route of [...guarded(), ...forUsers()]) {
      const reply = await call(route);
      expect([route, reply.status]).toEqual([route, 401]);
      expectUnauthenticated(reply, 'none');
    }
  });

  it('is 401 for each of many at once, and its connection can be used again', async () => {
    const pool = new Pool(daybook.url, { connections: 60 });
    const ask = async (headers: Record<string, string>): Promise<number> => {
      const { statusCode, body } = await pool.request({ method: 'GET', path: '/api/report-types', headers });
      await body.dump();
      return statusCode;
    };
    try {
      const statuses = await Promise.all(Array.from({ length: 180 }, () => ask({})));
      expect(statuses.filter((status) => status !== 401)).toEqual([]);
      const { headers } = await createKey(daybook, ['reports:read']);
      expect(await Promise.all(Array.from({ length: 60 }, () => ask(headers)))).toEqual(Array(60).fill(200));
    } finally {
      await pool.close();
    }
  });

  it('is 403 with a key that lacks its scope, and names the scope', async () => {
    for (const route of guarded()) {
      const needed = scopeOf(route);
      const lacking = Object.keys(limited).filter((scope) => scope !== needed);
      expect([route, lacking.length]).toEqual([route, SCOPES.length - (needed === 'admin' ? 1 : 2)]);
      const replies = await Promise.all(lacking.map((scope) => call(route, limited[scope]!.headers)));
      for (const [index, scope] of lacking.entries()) {
        const reply = replies[index]!;
        expect([route, scope, reply.status]).toEqual([route, scope, 403]);
        expectProblem(reply, 403);
        expect(reply.json.detail).toContain(needed);
        expect(challenge(reply)).toBe(`Bearer realm="daybook", error="insufficient_scope", scope="${needed}"`);
      }
    }
  });

  it('admits a key that has its scope', async () => {
    // Except routes that start a load test. Their controller has one scope for all routes.
    const harmless = guarded().filter((route) => !/^POST .*benchmark/.test(route));
    for (const route of harmless) {
      const key = limited[scopeOf(route)] ?? admin;
      const { status } = await call(route, key.headers);
      expect([route, status === 401 || status === 403]).toEqual([route, false]);
    }
  });

  it('documents 401 and 403', () => {
    for (const route of [...guarded(), ...forUsers()].filter((one) => !BOARD.test(one))) {
      const [method = '', path = ''] = route.split(' ');
      expect([route, described[path]![method.toLowerCase()]!.responses]).toMatchObject([
        route,
        { 401: expect.anything(), 403: expect.anything() },
      ]);
    }
  });

  it('is open for monitoring, as is the documentation', async () => {
    for (const route of [...OPEN, SIGN_IN, 'GET /docs', 'GET /openapi.json'])
      expect([route, (await call(route)).status]).toEqual([route, 200]);
  });

  it('/redoc shows the API without a key, and loads nothing from another host', async () => {
    const page = await get(daybook, '/redoc');
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/html/)]);
    expect(page.headers.get('content-security-policy')).toMatch(
      /default-src 'self';script-src 'self';.*;worker-src blob:$/,
    );
    const sources = [...page.text.matchAll(/(?:src|spec-url)="([^"]+)"/g)].map(([, source]) => source!);
    expect(sources).toEqual(['/openapi.json', '/redoc/redoc.standalone.js']);
    for (const source of sources) expect([source, (await get(daybook, source)).status]).toEqual([source, 200]);
    const bundle = await get(daybook, '/redoc/redoc.standalone.js');
    expect(bundle.headers.get('content-type')).toMatch(/javascript/);
    expect(createHash('sha256').update(bundle.text).digest('hex')).toBe(REDOC_SHA256);
    // Without the second header, fetch sends `no-cache` with a condition.
    const unchanged = { 'If-Modified-Since': bundle.headers.get('last-modified')!, 'Cache-Control': 'max-age=0' };
    const again = await get(daybook, '/redoc/redoc.standalone.js', unchanged);
    expect(again.status).toBe(304);
  });

  it('of the demo receiver is absent', async () => {
    for (const route of ABSENT) expect([route, (await call(route, admin.headers)).status]).toEqual([route, 404]);
  });
});

describe('the Authorization header', () => {
  const call = (authorization: string) => get(daybook, '/api/report-types', { authorization });

  it('ignores case and surrounding spaces', async () => {
    const { key } = limited['reports:read']!;
    for (const text of [`Bearer ${key}`, `bearer ${key}`, `BEARER   ${key}`, `Bearer ${key}  `])
      expect([text, (await call(text)).status]).toEqual([text, 200]);
  });

  it.each(['', 'Basic dXNlcjpwYXNz', 'Token abc', 'dbk_1_2', 'Bearerdbk_1_2'])(
    'is not a credential: %j',
    async (text) => expectUnauthenticated(await call(text), 'none'),
  );

  it('is rejected with a malformed key', async () => {
    const { key, id } = limited['reports:read']!;
    const others = [
      'Bearer',
      'Bearer ',
      'Bearer dbk_1_2',
      `Bearer ${key} ${key}`,
      `Bearer ${key}x`,
      `Bearer ${key.slice(0, -1)}`,
      `Bearer ${key.toUpperCase()}`,
      `Bearer "${key}"`,
      `Bearer ${key},Bearer ${key}`,
      `Bearer dbk_${id}_`,
      `Bearer ${'x'.repeat(8_000)}`,
      `Bearer dbk_' OR 1=1 --_${'a'.repeat(43)}`,
    ];
    for (const text of others) {
      const reply = await call(text);
      expect([text, reply.status]).toEqual([text, 401]);
      expectUnauthenticated(reply, 'invalid_token');
    }
  });

  it('is rejected with a wrong secret or an unknown id', async () => {
    const { key, id } = limited['reports:read']!;
    const swapped = key.slice(0, -2) + (key.endsWith('aa') ? 'bb' : 'aa');
    const foreign = `dbk_${id}_${limited['reports:write']!.key.slice(-43)}`;
    const unknown = key.replace(id, UNKNOWN_ID);
    for (const text of [swapped, foreign, unknown]) {
      const reply = await call(`Bearer ${text}`);
      expectUnauthenticated(reply, 'invalid_token');
      // The responses are equal.
      expect(reply.json.detail).toBe('The API key is unknown');
    }
  });
});
