/**
 * A browser logs in with an API key or a password and gets a cookie that scripts and other sites cannot use. Pages of
 * other origins cannot change anything with it. Clients with bearer tokens are not affected.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { createKey, type TestKey } from '../support/keys.js';
import { UNLIMITED } from '../support/submit.js';
import { PASSWORD, registerUser, type TestUser } from '../support/users.js';

const BOTH = ['open', 'required'] as const;
const CORS_ORIGINS = 'https://app.example.com';

const services = {} as Record<(typeof BOTH)[number], Daybook>;
let admin: TestKey;
let reader: TestKey;
beforeAll(async () => {
  services.open = await startDaybook({ env: { ...UNLIMITED, CORS_ORIGINS } });
  services.required = await startDaybook({ env: { ...UNLIMITED, CORS_ORIGINS, AUTH: 'required', TRUST_PROXY: '1' } });
  admin = await createKey(services.required, ['admin']);
  reader = await createKey(services.required, ['reports:read']);
});

/** Returns the `Cookie` header that a browser sends after a response. */
const cookieFrom = ({ headers }: Reply): { cookie: string } => ({ cookie: headers.get('set-cookie')!.split(';')[0]! });

async function signIn(daybook: Daybook, body: object): Promise<{ cookie: string }> {
  const reply = await post(daybook, '/api/session', body);
  expect([reply.text, reply.status]).toEqual([reply.text, 200]);
  return cookieFrom(reply);
}

const password = ({ email }: TestUser) => ({ email, password: PASSWORD });

describe.each(BOTH)('with AUTH=%s', (AUTH) => {
  const daybook = (): Daybook => services[AUTH];
  const LOGGED_OUT = { caller: null, authentication: AUTH, is_operator: AUTH === 'open' };

  it('the session is 200 without a caller for any invalid cookie', async () => {
    const foreign = [undefined, { cookie: 'daybook_session=x' }, { cookie: 'a=b; daybook_session=' }];
    for (const headers of foreign) {
      const { status, json } = await get(daybook(), '/api/session', headers);
      expect([status, json]).toEqual([200, LOGGED_OUT]);
    }
  });

  it('an operator is a caller on this machine with AUTH=open, and no other', async () => {
    const user = await signIn(daybook(), password(await registerUser(daybook(), 'customer')));
    for (const credentials of [{}, user]) {
      const isOperator = async (headers: Record<string, string>): Promise<unknown> =>
        (await get(daybook(), '/api/session', { ...credentials, ...headers })).json.is_operator;
      expect(await isOperator({})).toBe(AUTH === 'open');
      // From another machine, as behind the published port of a container.
      expect(await isOperator({ 'x-forwarded-for': '203.0.113.7' })).toBe(false);
    }
    const headers = { ...user, 'x-forwarded-for': '203.0.113.7' };
    const left = await send(daybook(), 'DELETE', '/api/session', { headers });
    expect(left.json).toEqual({ ...LOGGED_OUT, is_operator: false });
  });

  it('a user logs in, is the caller, and logs out', async () => {
    const user = await registerUser(daybook(), 'organizer');
    const reply = await post(daybook(), '/api/session', password(user));
    const caller = { kind: 'user', id: user.id, name: user.name, email: user.email, role: 'organizer' };
    expect(reply.json).toMatchObject({ caller, authentication: AUTH });
    expect(reply.headers.get('set-cookie')).toMatch(
      /^daybook_session=dbs_[\w-]+; Max-Age=86400; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/,
    );
    const headers = { cookie: `theme=dark; ${cookieFrom(reply).cookie}` };
    expect((await get(daybook(), '/api/session', headers)).json).toMatchObject({ caller });
    expect((await get(daybook(), '/api/auth/me', headers)).json).toMatchObject({ id: user.id });
    expect((await get(daybook(), '/api/customers', headers)).status).toBe(200);
    const left = await send(daybook(), 'DELETE', '/api/session', { headers });
    expect([left.status, left.json]).toEqual([200, LOGGED_OUT]);
    expect(left.headers.get('set-cookie')).toMatch(/^daybook_session=; .*Expires=Thu, 01 Jan 1970/);
    expect((await get(daybook(), '/api/session', headers)).json.caller).toBeNull();
    expectProblem(await get(daybook(), '/api/auth/me', headers), 401);
    expect((await send(daybook(), 'DELETE', '/api/session', { headers })).status).toBe(200);
  });

  it('a wrong password sets no cookie', async () => {
    const { email } = await registerUser(daybook(), 'customer');
    const reply = await post(daybook(), '/api/session', { email, password: 'wrong' });
    expectProblem(reply, 401);
    expect(reply.headers.get('set-cookie')).toBeNull();
  });

  it.each<[string, object]>([
    ['nothing', {}],
    ['both', { api_key: 'dbk_x', email: 'a@b.example', password: PASSWORD }],
    ['a role', { email: 'a@b.example', password: PASSWORD, role: 'organizer' }],
  ])('a login with %s is refused', async (_, body) => {
    expectProblem(await post(daybook(), '/api/session', body), 422);
  });

  it('an access token is not valid as a cookie, nor a cookie as an access token', async () => {
    const user = await registerUser(daybook(), 'customer');
    const { cookie } = await signIn(daybook(), password(user));
    const value = cookie.split('=')[1]!;
    expectProblem(await get(daybook(), '/api/auth/me', { authorization: `Bearer ${value}` }), 401);
    expectProblem(await get(daybook(), '/api/auth/me', { cookie: `daybook_session=${user.token}` }), 401);
    const guessed = value.replace(/_[\w-]{43}$/, `_${'A'.repeat(43)}`);
    expectProblem(await get(daybook(), '/api/auth/me', { cookie: `daybook_session=${guessed}` }), 401);
  });

  it('a change of the password ends cookies of other sessions', async () => {
    const user = await registerUser(daybook(), 'customer');
    const [own, other] = [await signIn(daybook(), password(user)), await signIn(daybook(), password(user))];
    const change = { current: PASSWORD, new: 'staple the battery' };
    expect((await post(daybook(), '/api/auth/password', change, own)).json).toMatchObject({ ended_sessions: 2 });
    expect((await get(daybook(), '/api/auth/me', own)).status).toBe(200);
    expectProblem(await get(daybook(), '/api/auth/me', other), 401);
  });

  describe('with a cookie, a change', () => {
    let headers: { cookie: string };
    beforeAll(async () => {
      headers = await signIn(daybook(), password(await registerUser(daybook(), 'organizer')));
    });
    const change = (more: Record<string, string>) =>
      send(daybook(), 'DELETE', '/api/requests', { headers: { ...headers, ...more } });

    it('must come from the same origin', async () => {
      expect((await change({ origin: daybook().url, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
      expect((await change({ referer: `${daybook().url}/app/requests` })).status).toBe(200);
      // A client that is no browser sends neither.
      expect((await change({})).status).toBe(200);
      const foreign: Record<string, string>[] = [
        { origin: 'https://evil.example' },
        { origin: 'null' },
        { origin: CORS_ORIGINS },
        { 'sec-fetch-site': 'cross-site' },
        { referer: 'https://evil.example/page' },
        { referer: `${daybook().url}.evil.example/` },
        { referer: 'about:blank' },
        { referer: 'x' },
        { referer: `${daybook().url}/app`, origin: 'https://evil.example' },
        { 'sec-fetch-site': 'same-site', origin: daybook().url },
      ];
      for (const more of foreign) {
        const reply = await change(more);
        expect([more, reply.status, reply.json?.type]).toEqual([more, 403, 'urn:daybook:problem:foreign-origin']);
      }
    });

    it('of the session itself must come from the same origin too', async () => {
      const origin = 'https://evil.example';
      const user = password(await registerUser(daybook(), 'customer'));
      for (const path of ['/api/session', '/api/session/', '/API/Session'])
        expectProblem(await post(daybook(), path, user, { origin }), 403);
      expectProblem(await send(daybook(), 'DELETE', '/api/session', { headers: { ...headers, origin } }), 403);
      expect((await get(daybook(), '/api/session', headers)).json.caller).not.toBeNull();
    });
  });
});

describe('with AUTH=required', () => {
  it('an API key logs in, and its session has the scopes of the key', async () => {
    const headers = await signIn(services.required, { api_key: reader.key });
    const caller = { kind: 'key', id: reader.id, name: 'test', email: null, role: null, scopes: ['reports:read'] };
    expect((await get(services.required, '/api/session', headers)).json).toEqual({
      caller,
      authentication: 'required',
      is_operator: false,
    });
    expect((await get(services.required, '/api/requests', headers)).status).toBe(200);
    expectProblem(await send(services.required, 'DELETE', '/api/requests', { headers }), 403);
    expectProblem(await get(services.required, '/api/auth/me', headers), 401);
  });

  it('an admin key logs in as an operator and can act for an account', async () => {
    const headers = await signIn(services.required, { api_key: admin.key });
    expect((await get(services.required, '/api/session', headers)).json.is_operator).toBe(true);
    expect((await get(services.required, '/api/keys', headers)).status).toBe(200);
    const acting = { ...headers, 'daybook-account': 'default' };
    expect((await get(services.required, '/api/requests', acting)).status).toBe(200);
    expectProblem(await get(services.required, '/api/requests', { ...headers, 'daybook-account': 'none' }), 404);
    expect((await get(services.required, '/api/health', headers)).json).toHaveProperty('version');
  });

  it('a session ends when its key is revoked', async () => {
    const key = await createKey(services.required, ['reports:read']);
    const headers = await signIn(services.required, { api_key: key.key });
    expect((await get(services.required, '/api/requests', headers)).status).toBe(200);
    await post(services.required, `/api/keys/${key.id}/revoke`, '', admin.headers);
    await eventually(async () => (await get(services.required, '/api/requests', headers)).status === 401);
    expectProblem(await post(services.required, '/api/session', { api_key: key.key }), 401);
  });

  it('an unknown or malformed key gets 401', async () => {
    for (const api_key of ['x', reader.key.slice(0, -1), `${reader.key.slice(0, -4)}AAAA`])
      expectProblem(await post(services.required, '/api/session', { api_key }), 401);
  });

  it('the cookie is Secure behind a proxy that terminates TLS', async () => {
    const user = password(await registerUser(services.required, 'customer'));
    const reply = await post(services.required, '/api/session', user, { 'x-forwarded-proto': 'https' });
    expect(reply.headers.get('set-cookie')).toContain('; Secure');
  });

  it('a client with a bearer token may send any origin, and its cookie is ignored', async () => {
    const cookie = await signIn(services.required, { api_key: admin.key });
    const bearer = { ...(await registerUser(services.required, 'organizer')).headers, origin: 'https://evil.example' };
    expect((await send(services.required, 'DELETE', '/api/requests', { headers: bearer })).status).toBe(200);
    const both = { ...cookie, ...bearer };
    expect((await send(services.required, 'DELETE', '/api/requests', { headers: both })).status).toBe(200);
    expectProblem(await get(services.required, '/api/keys', both), 403);
    expectProblem(await get(services.required, '/api/keys', { ...cookie, authorization: 'Basic YTpi' }), 401);
  });
});
