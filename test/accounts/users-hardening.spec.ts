/**
 * Forged tokens, planted cookies, look-alike addresses and floods of logins gain nothing, and the time of an answer
 * does not say which addresses are known.
 */
import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, post, type Reply } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { UNLIMITED } from '../support/submit.js';
import { PASSWORD, bearer, registerUser, type TestUser } from '../support/users.js';

const TOKEN_SECRET = 'a secret of the tests that is long enough';
/** Logins that run and wait at the same time: the concurrency and the queue. */
const MOST_LOGINS = 42;

let daybook: Daybook;
let user: TestUser;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, AUTH: 'required', TOKEN_SECRET } });
  user = await registerUser(daybook, 'customer');
});

const me = (headers: Record<string, string>): Promise<Reply> => get(daybook, '/api/auth/me', headers);
const login = (email: string, password: string): Promise<Reply> =>
  post(daybook, '/api/auth/login', { email, password });
const newEmail = (): string => `${uuidv7()}@users.example`;

describe('an access token', () => {
  const secret = new TextEncoder().encode(TOKEN_SECRET);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const claims = (): JWTPayload => {
    const { sid } = JSON.parse(Buffer.from(user.token.split('.')[1]!, 'base64url').toString()) as { sid: string };
    const nowS = Math.floor(Date.now() / 1_000);
    return { sid, sub: user.id, iss: 'daybook', iat: nowS, exp: nowS + 300 };
  };
  const signed = (change: JWTPayload = {}, alg = 'HS256', key: Parameters<SignJWT['sign']>[0] = secret) =>
    new SignJWT({ ...claims(), ...change }).setProtectedHeader({ alg, typ: 'at+jwt' }).sign(key);

  it('is accepted with the claims and the signature of the service', async () => {
    expect((await me(bearer(await signed()))).json).toMatchObject({ id: user.id });
  });

  it.each<[string, () => Promise<string>]>([
    ['the algorithm none', async () => new UnsecuredJWT(claims()).encode()],
    ['a signature by RSA', () => signed({}, 'RS256', rsa.privateKey)],
    ['another HMAC', () => signed({}, 'HS512')],
    ['no expiry', () => signed({ exp: undefined })],
    ['no session', () => signed({ sid: undefined })],
    ['no subject', () => signed({ sub: undefined })],
    ['another issuer', () => signed({ iss: 'other' })],
    ['an expiry in the past', () => signed({ exp: Math.floor(Date.now() / 1_000) - 1 })],
    ['a begin in the future', () => signed({ nbf: Math.floor(Date.now() / 1_000) + 300 })],
    ['the session of nobody', () => signed({ sid: uuidv7() })],
    ['a session that is no id', () => signed({ sid: `' OR true --` })],
  ])('with %s is refused', async (_, forge) => {
    const reply = await me(bearer(await forge()));
    expectProblem(reply, 401);
    expect(reply.headers.get('www-authenticate')).toContain('invalid_token');
  });
});

describe('an address', () => {
  it.each([
    'ａda@users.example',
    'ada@üsers.example',
    'аda@users.example',
    'ada\u200b@users.example',
    'İda@users.example',
  ])('that only looks like another is refused: %s', async (email) => {
    const body = { name: 'Ada', email, password: PASSWORD, role: 'customer' };
    const reply = await post(daybook, '/api/auth/register', body);
    expectProblem(reply, 422);
    expect(reply.json.errors[0].path).toBe('email');
    expectProblem(await login(email, PASSWORD), 422);
  });
});

it('a password is the same whether its characters are composed or not', async () => {
  const [email, password] = [newEmail(), 'crème brûlée ﬁne'];
  await post(daybook, '/api/auth/register', {
    name: 'Ada',
    email,
    password: password.normalize('NFC'),
    role: 'customer',
  });
  expect((await login(email, password.normalize('NFD'))).status).toBe(200);
  expectProblem(await login(email, 'creme brulee fine'), 401);
});

it('a login with an unknown address takes as long as one with a wrong password', async () => {
  const timed = async (email: string): Promise<number> => {
    const begun = performance.now();
    expectProblem(await login(email, 'wrong password'), 401);
    return performance.now() - begun;
  };
  const [known, unknown]: [number[], number[]] = [[], []];
  for (let n = 0; n < 12; n++) {
    known.push(await timed(user.email));
    unknown.push(await timed(newEmail()));
  }
  // Without a hash an answer takes a twentieth of the time.
  expect(Math.min(...unknown)).toBeGreaterThan(Math.min(...known) / 2);
  expect(Math.min(...known)).toBeGreaterThan(Math.min(...unknown) / 2);
});

it('a storm of logins gets 503 beyond the queue, and the service answers meanwhile and afterwards', async () => {
  const storm = Promise.all(Array.from({ length: 4 * MOST_LOGINS }, () => login(newEmail(), PASSWORD)));
  expect((await get(daybook, '/healthz')).status).toBe(200);
  const replies = await storm;
  const busy = replies.filter(({ status }) => status === 503);
  expect(busy.length).toBeGreaterThan(0);
  expect(replies.filter(({ status }) => status === 401)).toHaveLength(replies.length - busy.length);
  for (const reply of busy) {
    expectProblem(reply, 503);
    expect(reply.json.detail).toBe('Too many logins at once; retry later');
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  }
  expect((await login(user.email, PASSWORD)).status).toBe(200);
});

describe('a planted cookie', () => {
  const cookieFrom = ({ headers }: Reply): string => headers.get('set-cookie')!.split(';')[0]!;
  const signIn = async ({ email }: TestUser, cookie?: string): Promise<string> =>
    cookieFrom(await post(daybook, '/api/session', { email, password: PASSWORD }, cookie ? { cookie } : {}));

  it('is not reused by a login that sends it', async () => {
    const attacker = await registerUser(daybook, 'customer');
    const planted = await signIn(attacker);
    const own = await signIn(user, planted);
    expect(own).not.toBe(planted);
    expect((await me({ cookie: planted })).json.id).toBe(attacker.id);
    expect((await me({ cookie: own })).json.id).toBe(user.id);
  });

  it('that the service has not issued is not adopted', async () => {
    const planted = `daybook_session=dbs_${uuidv7()}_${'A'.repeat(43)}`;
    expect(await signIn(user, planted)).not.toBe(planted);
    expectProblem(await me({ cookie: planted }), 401);
  });
});
