/**
 * Users register, log in, refresh, log out and change passwords. A token is invalid once its session has ended, and a
 * refresh token works once. No response, table or log reveals a password or a token.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SignJWT } from 'jose';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, post, type Reply, send } from '../support/client.js';
import { type TestDatabase, createDatabase } from '../support/database.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { createKey } from '../support/keys.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { PASSWORD, bearer, registerUser } from '../support/users.js';

const OTHER_PASSWORD = 'staple the battery';
const TOKEN_SECRET = 'a secret of the tests that is long enough';
const BOTH = ['open', 'required'] as const;

const services = {} as Record<(typeof BOTH)[number], Daybook>;
let database: TestDatabase;
/** Another process on the database of `services.required`, with REGISTRATION=off. */
let second: Daybook;
beforeAll(async () => {
  database = await createDatabase();
  const env = { ...UNLIMITED, AUTH: 'required', TOKEN_SECRET, DATABASE_URL: database.url };
  [services.open, services.required, second] = await Promise.all([
    startDaybook({ env: UNLIMITED }),
    startDaybook({ env }),
    startDaybook({ env: { ...env, REGISTRATION: 'off' } }),
  ]);
});
afterAll(() => database.drop());

const newEmail = (): string => `${uuidv7()}@users.example`;
const login = (daybook: Daybook, email: string, password = PASSWORD): Promise<Reply> =>
  post(daybook, '/api/auth/login', { email, password });
const me = (daybook: Daybook, token: string): Promise<Reply> => get(daybook, '/api/auth/me', bearer(token));
const refresh = (daybook: Daybook, refresh_token: string): Promise<Reply> =>
  post(daybook, '/api/auth/refresh', { refresh_token });

/** The response without the values that differ from request to request. */
function essence({ status, headers, json }: Reply): unknown {
  const { instance: _, ...problem } = json as Record<string, unknown>;
  return { status, problem, challenge: headers.get('www-authenticate') };
}

describe.each(BOTH)('with AUTH=%s', (AUTH) => {
  const daybook = (): Daybook => services[AUTH];

  it('a user registers and gets its own data from /me', async () => {
    const body = { name: 'Ada', email: newEmail(), password: PASSWORD, role: 'organizer' };
    const reply = await post(daybook(), '/api/auth/register', body);
    expect(reply.status).toBe(201);
    expect(reply.headers.get('cache-control')).toBe('no-store');
    const { password: _, ...shown } = body;
    expect(reply.json).toEqual({
      ...shown,
      id: expect.any(String),
      token: expect.stringMatching(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/),
      expires_in: 900,
      refresh_token: expect.stringMatching(/^dbr_[\w-]{43}$/),
    });
    const { json } = await me(daybook(), reply.json.token);
    const scopes = ['events:write', 'books:read', 'books:write', 'reports:read', 'reports:write'];
    expect(json).toEqual({ ...shown, id: reply.json.id, scopes: AUTH === 'open' ? null : scopes });
  });

  it('addresses are unique and log in regardless of case', async () => {
    const { id, email } = await registerUser(daybook(), 'customer');
    const again = { name: 'Eve', email: email.toUpperCase(), password: PASSWORD, role: 'customer' };
    expectProblem(await post(daybook(), '/api/auth/register', again), 409);
    expect((await login(daybook(), email.toUpperCase())).json).toMatchObject({ id, email, role: 'customer' });
  });

  it('exactly one of many concurrent registrations of one address succeeds', async () => {
    const body = { name: 'Ada', email: newEmail(), password: PASSWORD, role: 'organizer' };
    const replies = await Promise.all(Array.from({ length: 8 }, () => post(daybook(), '/api/auth/register', body)));
    const statuses = replies.map(({ status }) => status).sort((one, other) => one - other);
    expect(statuses).toEqual([201, ...Array<number>(7).fill(409)]);
  });

  it.each([
    ['a role that does not exist', { role: 'admin' }],
    ['no role', { role: undefined }],
    ['scopes', { scopes: ['admin'] }],
    ['an account', { account_id: uuidv7() }],
    ['an id', { id: uuidv7() }],
    ['a short password', { password: '1234567' }],
    ['a long password', { password: 'x'.repeat(129) }],
    ['a malformed address', { email: 'ada' }],
    ['a name with a line break', { name: 'Ada\nEve' }],
    ['a password that is not a string', { password: { length: 20 } }],
  ])('a registration with %s is refused', async (_, change) => {
    const body = { name: 'Ada', email: newEmail(), password: PASSWORD, role: 'customer', ...change };
    expectProblem(await post(daybook(), '/api/auth/register', body), 422);
  });

  it('an unknown address and a wrong password get the same response', async () => {
    const { email } = await registerUser(daybook(), 'customer');
    const [unknown, wrong] = [await login(daybook(), newEmail()), await login(daybook(), email, 'wrong')];
    expectProblem(unknown, 401);
    expect(essence(unknown)).toEqual(essence(wrong));
  });

  it('a route for users needs an access token', async () => {
    for (const headers of [undefined, bearer('x'), bearer('a.b.c'), { authorization: 'Basic YTpi' }]) {
      const reply = await get(daybook(), '/api/auth/me', headers);
      expectProblem(reply, 401);
      expect(reply.headers.get('www-authenticate')).toMatch(/^Bearer realm="daybook"/);
    }
  });

  it('a logout by access token ends only its own session', async () => {
    const user = await registerUser(daybook(), 'customer');
    const other = (await login(daybook(), user.email)).json;
    expect((await post(daybook(), '/api/auth/logout', {}, user.headers)).json).toEqual({ logged_out: true });
    expectProblem(await me(daybook(), user.token), 401);
    expectProblem(await refresh(daybook(), user.refreshToken), 401);
    expectProblem(await post(daybook(), '/api/auth/logout', '', user.headers), 401);
    expect((await me(daybook(), other.token)).status).toBe(200);
    expect((await refresh(daybook(), other.refresh_token)).status).toBe(200);
  });

  it('a logout by refresh token needs no access token; an unknown token gets 401', async () => {
    const user = await registerUser(daybook(), 'customer');
    const body = { refresh_token: user.refreshToken };
    expect((await post(daybook(), '/api/auth/logout', body)).status).toBe(200);
    expectProblem(await me(daybook(), user.token), 401);
    expectProblem(await post(daybook(), '/api/auth/logout', body), 401);
    expectProblem(await send(daybook(), 'POST', '/api/auth/logout'), 401);
  });

  it('a refresh returns new tokens of the same session, and the old access token stays valid', async () => {
    const user = await registerUser(daybook(), 'organizer');
    const { json } = await refresh(daybook(), user.refreshToken);
    expect(json).toMatchObject({ id: user.id, email: user.email, role: 'organizer', expires_in: 900 });
    expect(json.refresh_token).not.toBe(user.refreshToken);
    for (const token of [user.token, json.token as string]) expect((await me(daybook(), token)).status).toBe(200);
    expect((await refresh(daybook(), json.refresh_token)).status).toBe(200);
  });

  it('reuse of a refresh token ends its session, including the newest tokens', async () => {
    const user = await registerUser(daybook(), 'customer');
    const other = (await login(daybook(), user.email)).json;
    const { json } = await refresh(daybook(), user.refreshToken);
    expectProblem(await refresh(daybook(), user.refreshToken), 401);
    expectProblem(await refresh(daybook(), json.refresh_token), 401);
    for (const token of [user.token, json.token as string]) expectProblem(await me(daybook(), token), 401);
    expect((await me(daybook(), other.token)).status).toBe(200);
  });

  it('at most one of many concurrent refreshes with one token succeeds, and the session ends', async () => {
    const { refreshToken, token } = await registerUser(daybook(), 'customer');
    const replies = await Promise.all(Array.from({ length: 10 }, () => refresh(daybook(), refreshToken)));
    const statuses = replies.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 401)).toHaveLength(9);
    expectProblem(await me(daybook(), token), 401);
  });

  it('an expired refresh token is refused and does not end the session', async () => {
    const user = await registerUser(daybook(), 'customer');
    await sql(
      daybook(),
      'UPDATE refresh_tokens SET expires_at = now() FROM sessions s WHERE s.id = session_id AND s.user_id = $1',
      [user.id],
    );
    expectProblem(await refresh(daybook(), user.refreshToken), 401);
    expect((await me(daybook(), user.token)).status).toBe(200);
  });

  it('a change of the password ends all sessions except its own', async () => {
    const user = await registerUser(daybook(), 'customer');
    const other = (await login(daybook(), user.email)).json;
    const change = (current: string) =>
      post(daybook(), '/api/auth/password', { current, new: OTHER_PASSWORD }, user.headers);
    expectProblem(await change('wrong'), 403);
    expect((await me(daybook(), other.token)).status).toBe(200);
    expect((await change(PASSWORD)).json).toEqual({ changed: true, ended_sessions: 1 });
    expectProblem(await me(daybook(), other.token), 401);
    expectProblem(await refresh(daybook(), other.refresh_token), 401);
    expect((await me(daybook(), user.token)).status).toBe(200);
    expectProblem(await login(daybook(), user.email), 401);
    expect((await login(daybook(), user.email, OTHER_PASSWORD)).status).toBe(200);
  });

  it('a login with the old password during its change leaves no session', async () => {
    const user = await registerUser(daybook(), 'customer');
    const change = { current: PASSWORD, new: OTHER_PASSWORD };
    const [changed, ...logins] = await Promise.all([
      post(daybook(), '/api/auth/password', change, user.headers),
      ...Array.from({ length: 6 }, () => login(daybook(), user.email)),
    ]);
    expect(changed.status).toBe(200);
    for (const { status, json } of logins) if (status === 200) expectProblem(await me(daybook(), json.token), 401);
  });

  it('the 51st session of a user ends the oldest one', async () => {
    const user = await registerUser(daybook(), 'customer');
    await sql(
      daybook(),
      `INSERT INTO sessions (id, user_id, expires_at) SELECT gen_random_uuid(), $1, now() + interval '1 day'
        FROM generate_series(1, 60)`,
      [user.id],
    );
    await login(daybook(), user.email);
    const text = 'SELECT count(*)::int AS count FROM sessions WHERE user_id = $1';
    expect(await sql(daybook(), text, [user.id])).toEqual([{ count: 50 }]);
  });

  it('no table and no log contains a password or a token', async () => {
    const user = await registerUser(daybook(), 'organizer');
    const { token, refresh_token } = (await refresh(daybook(), user.refreshToken)).json;
    const tables = ['users', 'sessions', 'refresh_tokens', 'password_resets', 'actions'];
    const rows = await Promise.all(
      tables.map((table) => sql<{ row: string }>(daybook(), `SELECT t::text AS row FROM ${table} t`)),
    );
    const text =
      rows
        .flat()
        .map(({ row }) => row)
        .join('\n') + daybook().output();
    expect(text).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
    for (const secret of [PASSWORD, token, refresh_token, user.token, user.refreshToken])
      expect(text).not.toContain(secret);
  });

  it('idempotency keys are separate for each user', async () => {
    const [one, other] = [await registerUser(daybook(), 'organizer'), await registerUser(daybook(), 'organizer')];
    const body = { name: 'A', email: newEmail() };
    const create = (headers: Record<string, string>) =>
      post(daybook(), '/api/customers', body, { ...headers, 'idempotency-key': uuid });
    const uuid = uuidv7();
    const first = await create(one.headers);
    expect(first.status).toBe(201);
    const again = await create(one.headers);
    expect([again.text, again.headers.get('idempotency-replayed')]).toEqual([first.text, 'true']);
    expect((await create(other.headers)).headers.get('idempotency-replayed')).toBeNull();
  });
});

describe('with AUTH=required', () => {
  it('an organizer has its own books and cannot manage keys', async () => {
    const [ada, bob] = [
      await registerUser(services.required, 'organizer'),
      await registerUser(services.required, 'organizer'),
    ];
    const customer = { name: 'A', email: newEmail() };
    const { json } = await post(services.required, '/api/customers', customer, ada.headers);
    expectProblem(await get(services.required, `/api/customers/${json.id}`, bob.headers), 404);
    expect((await get(services.required, `/api/customers/${json.id}`, ada.headers)).status).toBe(200);
    expect((await get(services.required, '/api/customers', bob.headers)).json.customers).toEqual([]);
    const key = { name: 'mine', scopes: ['reports:read'] };
    expectProblem(await post(services.required, '/api/keys', key, ada.headers), 403);
    expectProblem(
      await get(services.required, '/api/customers', { ...ada.headers, 'daybook-account': 'default' }),
      403,
    );
    const reports = await post(services.required, '/api/sync', { input_data: 'x', iterations: 1 }, ada.headers);
    expect(reports.status).toBe(200);
    expect((await get(services.required, '/api/requests', bob.headers)).json.requests).toEqual([]);
  });

  it('a customer gets 403 from every route that needs a scope', async () => {
    const { headers } = await registerUser(services.required, 'customer');
    for (const path of ['/api/requests', '/api/customers', '/api/actions', '/api/journal/entries'])
      expectProblem(await get(services.required, path, headers), 403);
    expectProblem(await post(services.required, '/api/sync', { input_data: 'x' }, headers), 403);
    expect(Object.keys((await get(services.required, '/api/health', headers)).json)).toEqual(
      Object.keys((await get(services.required, '/api/health')).json),
    );
  });

  it('an organizer who registered with AUTH=open has no scope', async () => {
    const ada = await registerUser(services.required, 'organizer');
    await sql(services.required, 'UPDATE users SET account_id = NULL WHERE id = $1', [ada.id]);
    const token = (await login(services.required, ada.email)).json.token as string;
    expect((await me(services.required, token)).json.scopes).toEqual([]);
    expectProblem(await get(services.required, '/api/requests', bearer(token)), 403);
  });

  it('an admin key is not a user', async () => {
    const { headers } = await createKey(services.required, ['admin']);
    expectProblem(await get(services.required, '/api/auth/me', headers), 401);
  });

  it('every process accepts the tokens, and refuses them within 5 s of a logout', async () => {
    const user = await registerUser(services.required, 'customer');
    expect((await me(second, user.token)).status).toBe(200);
    await post(services.required, '/api/auth/logout', {}, user.headers);
    await eventually(async () => (await me(second, user.token)).status === 401);
  });

  it.each([
    ['no signature', (token: string) => `${token.split('.').slice(0, 2).join('.')}.`],
    ['the algorithm none', (token: string) => `eyJhbGciOiJub25lIn0.${token.split('.')[1]}.x`],
    ['a changed payload', (token: string) => token.replace(/\.(.)/, (_, first) => `.${first === 'e' ? 'f' : 'e'}`)],
  ])('a token with %s is refused', async (_, forge) => {
    const { token } = await registerUser(services.required, 'organizer');
    expectProblem(await me(services.required, forge(token)), 401);
  });

  it('a token is refused with another secret, type, issuer or user, and when it has expired', async () => {
    const { id, token } = await registerUser(services.required, 'organizer');
    const { sid } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sid: string };
    const sign = (change: { secret?: string; typ?: string; iss?: string; sub?: string; exp?: string } = {}) => {
      const { secret = TOKEN_SECRET, typ = 'at+jwt', iss = 'daybook', sub = id, exp = '5m' } = change;
      const jwt = new SignJWT({ sid }).setProtectedHeader({ alg: 'HS256', typ }).setIssuer(iss).setSubject(sub);
      return jwt.setIssuedAt().setExpirationTime(exp).sign(new TextEncoder().encode(secret));
    };
    expect((await me(services.required, await sign())).status).toBe(200);
    const forged = [{ secret: 'x'.repeat(32) }, { typ: 'JWT' }, { iss: 'x' }, { sub: uuidv7() }, { exp: '-1s' }];
    for (const change of forged) {
      const reply = await me(services.required, await sign(change));
      expect([change, reply.status]).toEqual([change, 401]);
    }
  });
});

it('with AUTH=open an invalid token is ignored by routes that need none', async () => {
  expect((await get(services.open, '/api/requests', bearer('a.b.c'))).status).toBe(200);
  const { headers } = await registerUser(services.open, 'customer');
  expect((await get(services.open, '/api/requests', headers)).status).toBe(200);
});

describe('another process', () => {
  let others: Record<string, Daybook>;
  /** Issued before the other processes start. */
  let token: string;
  beforeAll(async () => {
    token = (await registerUser(services.open, 'customer')).token;
    const env = { ...UNLIMITED, REGISTRATION: 'customers', DATABASE_URL: services.open.databaseUrl };
    others = { customers: await startDaybook({ env }), off: second };
  });

  it('uses the generated secret, which survives a restart', async () => {
    expect((await me(others['customers']!, token)).status).toBe(200);
  });

  it.each([
    ['customers', 201, 403],
    ['off', 403, 403],
  ])('with REGISTRATION=%s refuses other roles', async (REGISTRATION, customer, organizer) => {
    const register = async (role: string): Promise<number> => {
      const body = { name: 'Ada', email: newEmail(), password: PASSWORD, role };
      return (await post(others[REGISTRATION]!, '/api/auth/register', body)).status;
    };
    expect([await register('customer'), await register('organizer')]).toEqual([customer, organizer]);
  });
});
