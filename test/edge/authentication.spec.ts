/**
 * Promise: with `AUTH=required`, only health and documentation are open without an API key; a key can do what its scopes
 * allow and no more; and a revoked, expired or replaced key stops working in every process.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Pool } from 'undici';
import { SCOPES } from '../../src/http/scopes.js';
import { expectProblem, get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { createKey, type TestKey } from '../support/keys.js';
import { sql } from '../support/sql.js';
import { registerUser, type TestUser } from '../support/users.js';
import { UNLIMITED } from '../support/submit.js';

const BENCH = fileURLToPath(new URL('../../dist/src/benchmark/cli/cli.main.js', import.meta.url));
const ROUTES = fileURLToPath(new URL('../support/routes.js', import.meta.url));
/** Monitoring needs no key. */
const OPEN = ['GET /healthz', 'GET /api/health', 'GET /readyz', 'GET /metrics'];
/** Anyone may call these; what they show depends on the caller. */
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
/** For users only, whatever `AUTH`; by role. */
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
const UNKNOWN_ID = '0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55';
const QUICK = { input_data: 'x', iterations: 1, callback_url: null };
const REVOCATION_MS = 5_000;

const settings = { ...UNLIMITED, AUTH: 'required', LOG_LEVEL: 'debug' };
let daybook: Daybook;
let admin: TestKey;
const limited: Record<string, TestKey> = {};
let users: Record<'organizer' | 'customer', TestUser>;

beforeAll(async () => {
  daybook = await startDaybook({ env: settings });
  admin = await createKey(daybook, ['admin']);
  for (const scope of SCOPES) if (scope !== 'admin') limited[scope] = await createKey(daybook, [scope]);
  users = {
    organizer: await registerUser(daybook, 'organizer'),
    customer: await registerUser(daybook, 'customer'),
  };
});

const challenge = ({ headers }: Reply): string | null => headers.get('www-authenticate');

function expectUnauthenticated(reply: Reply, error: 'none' | 'invalid_token'): void {
  expectProblem(reply, 401);
  expect(reply.json.type).toBe('urn:daybook:problem:unauthenticated');
  if (error === 'none') expect(challenge(reply)).toBe('Bearer realm="daybook"');
  else expect(challenge(reply)).toMatch(/^Bearer realm="daybook", error="invalid_token", error_description="[^"]+"$/);
}

describe('every route that a controller declares', () => {
  let declared: string[];
  let access: Record<string, string>;
  let described: Record<string, Record<string, { security?: Record<string, string[]>[]; responses: object }>>;
  const call = (route: string, headers: Record<string, string> = {}): Promise<Reply> => {
    const [method = '', path = ''] = route.split(' ');
    return send(daybook, method, path.replaceAll(/\{\w+\}/g, UNKNOWN_ID), { headers });
  };
  const scopeOf = (route: string): string => {
    const [method = '', path = ''] = route.split(' ');
    return described[path]![method.toLowerCase()]!.security![0]!['api_key']![0]!;
  };
  const forUsers = () => Object.keys(FOR_USERS);
  const excepted = () => [...OPEN, ...PUBLIC, ...ABSENT, ...forUsers()];
  const guarded = () => declared.filter((route) => !excepted().includes(route));

  beforeAll(async () => {
    access = JSON.parse((await promisify(execFile)(process.execPath, [ROUTES, '--access'])).stdout);
    declared = Object.keys(access);
    described = (await get(daybook, '/openapi.json')).json.paths;
  });

  it('says who may call it, and only the listed ones are open or for users', () => {
    const those = (wanted: (access: string) => boolean) => declared.filter((route) => wanted(access[route]!)).sort();
    expect(those((found) => found === '')).toEqual([]);
    expect(those((found) => found === 'none').filter((route) => !ABSENT.includes(route))).toEqual([...OPEN].sort());
    expect(those((found) => found === 'public')).toEqual([...PUBLIC].sort());
    const roles = those((found) => found.startsWith('user:')).map((route) => [route, access[route]!.slice(5)]);
    expect(Object.fromEntries(roles)).toEqual(FOR_USERS);
  });

  it('that is for users is 401 with an API key, and 403 for a user with another role', async () => {
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
      for (const scope of lacking) {
        const reply = await call(route, limited[scope]!.headers);
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
    for (const route of [...guarded(), ...forUsers()]) {
      const [method = '', path = ''] = route.split(' ');
      expect([route, described[path]![method.toLowerCase()]!.responses]).toMatchObject([
        route,
        { 401: expect.anything(), 403: expect.anything() },
      ]);
    }
  });

  it('is open for monitoring, as is the documentation', async () => {
    for (const route of [...OPEN, 'GET /docs', 'GET /openapi.json'])
      expect([route, (await call(route)).status]).toEqual([route, 200]);
  });

  it('of the demo receiver is absent', async () => {
    for (const route of ABSENT) expect([route, (await call(route, admin.headers)).status]).toEqual([route, 404]);
  });
});

it('warns at the start while there is no key', async () => {
  const warning = 'There is no API key yet. Create one: npm run keys -- create';
  const keyless = await startDaybook({ env: { AUTH: 'required' } });
  expect(keyless.output()).toContain(warning);
  expect((await startDaybook({ env: { ...settings, DATABASE_URL: daybook.databaseUrl } })).output()).not.toContain(
    warning,
  );
});

describe('the load test', () => {
  it('needs an admin key, and sends its requests with it', async () => {
    const body = { num_requests: 5, concurrency: 2, num_transactions: 1 };
    const { status, json } = await post(daybook, '/api/benchmark/both', body, admin.headers);
    expect([status, json]).toMatchObject([200, { sync: { successful: 5 }, async: { callbacks_received: 5, lost: 0 } }]);
  });

  it('accepts a key on the command line', async () => {
    const bench = (more: string[], env: NodeJS.ProcessEnv = {}) => {
      const args = [BENCH, '--url', daybook.url, '--num-requests', '5', '--concurrency', '2', ...more];
      return promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } }).then(
        ({ stdout }) => ({ code: 0, output: stdout }),
        ({ code, stdout }: { code: number; stdout: string }) => ({ code, output: stdout }),
      );
    };
    const passed = await bench(['--api-key', admin.key]);
    expect(passed).toEqual({ code: 0, output: expect.stringContaining('lost 0') });
    expect(passed.output).not.toContain(admin.key.slice(-43));
    const file = join(await temporaryFolder(), 'key');
    await writeFile(file, `${admin.key}\n`);
    expect((await bench(['--mode', 'sync', '--api-key-file', file])).code).toBe(0);
    expect((await bench(['--mode', 'sync'], { DAYBOOK_API_KEY: admin.key })).code).toBe(0);
    expect(await bench(['--mode', 'sync'])).toEqual({ code: 1, output: expect.stringContaining('401 5 times') });
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

describe('the admin API', () => {
  const create = (body: object) => post(daybook, '/api/keys', body, admin.headers);

  it('creates a key that works at once, and returns its secret once', async () => {
    const created = await create({ name: 'ci', account: 'acme', scopes: ['reports:read'], expires_in: '90d' });
    expect([created.status, created.headers.get('cache-control')]).toEqual([201, 'no-store']);
    const { key, ...view } = created.json;
    expect(key).toMatch(new RegExp(`^dbk_${view.id}_[A-Za-z0-9_-]{43}$`));
    expect(view).toMatchObject({ name: 'ci', account: 'acme', scopes: ['reports:read'], status: 'active' });
    expect(Date.parse(view.expires_at) - Date.parse(view.created_at)).toBe(90 * 86_400_000);
    expect((await get(daybook, '/api/report-types', { authorization: `Bearer ${key}` })).status).toBe(200);
    const listed = await get(daybook, '/api/keys?account=acme', admin.headers);
    expect(listed.json.keys).toMatchObject([{ id: view.id, account: 'acme' }]);
    expect(listed.text).not.toContain(key.slice(-43));
  });

  it('lists page by page, newest first', async () => {
    for (const name of ['1', '2', '3']) await create({ name, account: 'paged', scopes: ['reports:read'] });
    const first = await get(daybook, '/api/keys?account=paged&limit=2', admin.headers);
    const second = await get(
      daybook,
      `/api/keys?account=paged&limit=2&cursor=${first.json.next_cursor}`,
      admin.headers,
    );
    const names = [first, second].map(({ json }) => json.keys.map(({ name }: { name: string }) => name));
    expect([names, second.json.next_cursor]).toEqual([[['3', '2'], ['1']], null]);
  });

  it.each<[object, string]>([
    [{}, 'name'],
    [{ name: 'x\u001b[2J\nroot', scopes: ['admin'] }, 'name'],
    [{ name: 'x\u202egnp', scopes: ['admin'] }, 'name'],
    [{ name: 'x', scopes: ['admin'], account: 'a\u009b' }, 'account'],
    [{ name: 'x', scopes: [] }, 'scopes'],
    [{ name: 'x', scopes: ['everything'] }, 'scopes.0'],
    [{ name: 'x', scopes: ['admin', 'admin'] }, 'scopes'],
    [{ name: 'x', scopes: ['admin'], account: 'a/b' }, 'account'],
    [{ name: 'x', scopes: ['admin'], expires_in: 'soon' }, 'expires_in'],
    [{ name: 'x', scopes: ['admin'], secret: 'mine' }, ''],
  ])('rejects %j', async (body, path) => {
    const reply = await create(body);
    expectProblem(reply, 422);
    expect(reply.json.errors.map((error: { path: string }) => error.path)).toContain(path);
  });

  it('answers 404 to unknown keys', async () => {
    for (const id of [UNKNOWN_ID, '1', 'x%00']) {
      expectProblem(await get(daybook, `/api/keys/${id}`, admin.headers), 404);
      for (const step of ['rotate', 'revoke'])
        expectProblem(await send(daybook, 'POST', `/api/keys/${id}/${step}`, { headers: admin.headers }), 404);
    }
  });

  it('is closed with AUTH=open, because such a key would stay valid later', async () => {
    const open = await startDaybook();
    for (const reply of [
      await get(open, '/api/keys'),
      await post(open, '/api/keys', { name: 'x', scopes: ['admin'] }),
    ]) {
      expectProblem(reply, 403);
      expect(reply.json.type).toBe('urn:daybook:problem:authentication-off');
    }
    expect(await sql(open, 'SELECT 1 FROM api_keys')).toEqual([]);
  });
});

describe('the end of a key', () => {
  const call = (key: Pick<TestKey, 'headers'>, target: Daybook = daybook) =>
    get(target, '/api/report-types', key.headers);
  const step = (id: string, name: 'rotate' | 'revoke', body?: object) =>
    send(daybook, 'POST', `/api/keys/${id}/${name}`, { headers: admin.headers, body });

  it('by revocation takes effect in every process within 5 s, even for a busy key', async () => {
    const second = await startDaybook({ env: { ...settings, DATABASE_URL: daybook.databaseUrl } });
    const key = await createKey(daybook, ['reports:read']);
    for (const target of [daybook, second]) expect((await call(key, target)).status).toBe(200);
    const revokedAt = Date.now();
    const revoked = await step(key.id, 'revoke');
    expect([revoked.status, revoked.json.status]).toEqual([200, 'revoked']);
    for (const target of [daybook, second]) {
      const passedAtMs: number[] = [];
      await eventually(
        async () => {
          const sentAtMs = Date.now();
          const reply = await call(key, target);
          if (reply.status === 200) passedAtMs.push(sentAtMs - revokedAt);
          return reply.status === 401 && reply;
        },
        { everyMs: 20 },
      );
      expect(Math.max(0, ...passedAtMs)).toBeLessThan(REVOCATION_MS);
      const reply = await call(key, target);
      expectUnauthenticated(reply, 'invalid_token');
      expect(reply.json.detail).toBe('The API key was revoked');
    }
    const again = await step(key.id, 'revoke');
    expect(again.json.revoked_at).toBe(revoked.json.revoked_at);
  });

  it('by expiry', async () => {
    const key = await createKey(daybook, ['reports:read'], { expiresInMs: 3_000 });
    expect((await call(key)).status).toBe(200);
    const reply = await eventually(async () => {
      const rejected = await call(key);
      return rejected.status === 401 && rejected;
    });
    expect(reply.json.detail).toBe('The API key has expired');
    // Processes reject a cached key a moment early rather than late.
    await eventually(async () => (await get(daybook, `/api/keys/${key.id}`, admin.headers)).json.status === 'expired');
  });

  it('by rotation follows the overlap, during which both keys work', async () => {
    const old = await createKey(daybook, ['reports:read'], { account: 'rotating', expiresInMs: 86_400_000 });
    const rotated = await step(old.id, 'rotate', { overlap: '3s' });
    expect([rotated.status, rotated.headers.get('cache-control')]).toEqual([201, 'no-store']);
    expect(rotated.json).toMatchObject({ account: 'rotating', scopes: ['reports:read'], replaced_by: null });
    // The same lifetime as the old key.
    expect(Date.parse(rotated.json.expires_at) - Date.parse(rotated.json.created_at)).toBe(86_400_000);
    const fresh = { headers: { authorization: `Bearer ${rotated.json.key}` } };
    expect([(await call(old)).status, (await call(fresh)).status]).toEqual([200, 200]);
    await eventually(async () => (await call(old)).status === 401);
    expect((await call(fresh)).status).toBe(200);
    expect((await get(daybook, `/api/keys/${old.id}`, admin.headers)).json.replaced_by).toBe(rotated.json.id);
  });

  it('is final: a revoked or replaced key cannot be rotated', async () => {
    const [revoked, replaced] = [
      await createKey(daybook, ['reports:read']),
      await createKey(daybook, ['reports:read']),
    ];
    await step(revoked.id, 'revoke');
    const rotations = await Promise.all(Array.from({ length: 5 }, () => step(replaced.id, 'rotate')));
    expect(rotations.map(({ status }) => String(status)).toSorted()).toEqual(['201', '409', '409', '409', '409']);
    for (const { id } of [revoked, replaced]) {
      const reply = await step(id, 'rotate');
      expectProblem(reply, 409);
      expect(reply.json.type).toBe('urn:daybook:problem:api-key-ended');
    }
  });
});

describe('the stored key', () => {
  it('has the time of its last use, updated once a minute', async () => {
    const key = await createKey(daybook, ['reports:read']);
    const used = async () => {
      const [row] = await sql<{ used: string | null; writes: string }>(
        daybook,
        'SELECT last_used_at::text AS used, xmin::text AS writes FROM api_keys WHERE id = $1',
        [key.id],
      );
      return row!;
    };
    expect((await used()).used).toBeNull();
    for (let n = 0; n < 20; n++) await get(daybook, '/api/report-types', key.headers);
    const first = await eventually(async () => {
      const row = await used();
      return row.used !== null && row;
    });
    for (let n = 0; n < 20; n++) await get(daybook, '/api/report-types', key.headers);
    expect(await used()).toEqual(first);
  });

  it('does not contain the secret, nor does the log', async () => {
    await post(daybook, '/api/async', { ...QUICK }, { ...admin.headers, 'Idempotency-Key': 'secret' });
    await get(daybook, '/nope', admin.headers);
    await post(daybook, '/api/async', '{', admin.headers);
    const tables = await sql<{ name: string }>(
      daybook,
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
    );
    const secret = admin.key.slice(-43);
    for (const { name } of tables) {
      const found = await sql(daybook, `SELECT 1 FROM ${name} t WHERE strpos(t::text, $1) > 0`, [secret]);
      expect([name, found]).toEqual([name, []]);
    }
    expect(daybook.output()).not.toContain(secret);
  });
});
