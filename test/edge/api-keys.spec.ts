/** Keys are created, rotated and revoked over HTTP. A revoked or expired key stops working in every process. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post, send } from '../support/client.js';
import { type TestDatabase, createDatabase } from '../support/database.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { createKey, type TestKey } from '../support/keys.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { UNKNOWN_ID, expectUnauthenticated } from './authentication-fixture.js';

const QUICK = { input_data: 'x', iterations: 1, callback_url: null };
const REVOCATION_MS = 5_000;

let database: TestDatabase;
let daybook: Daybook;
/** Another process of the same installation. */
let second: Daybook;
let admin: TestKey;

beforeAll(async () => {
  database = await createDatabase();
  admin = await createKey({ databaseUrl: database.url }, ['admin']);
  const env = { ...UNLIMITED, AUTH: 'required', LOG_LEVEL: 'debug', DATABASE_URL: database.url };
  [daybook, second] = await Promise.all([startDaybook({ env }), startDaybook({ env })]);
});
afterAll(() => database.drop());

it('warns at the start while there is no key', async () => {
  const warning = 'There is no API key yet. Create one: npm run keys -- create';
  const keyless = await startDaybook({ env: { AUTH: 'required' } });
  expect(keyless.output()).toContain(warning);
  expect(second.output()).not.toContain(warning);
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
    const next = await get(daybook, `/api/keys?account=paged&limit=2&cursor=${first.json.next_cursor}`, admin.headers);
    const names = [first, next].map(({ json }) => json.keys.map(({ name }: { name: string }) => name));
    expect([names, next.json.next_cursor]).toEqual([[['3', '2'], ['1']], null]);
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

  it('is disabled with AUTH=open, because its keys would remain valid after AUTH=required', async () => {
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
