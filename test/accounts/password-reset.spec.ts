/**
 * A user who forgot the password sets a new one with a token that was mailed. The token works once, and the reset ends
 * every session. Requests are limited by network and by address.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, get, post, type Reply } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { PASSWORD, type TestUser, registerUser } from '../support/users.js';

const NEW_PASSWORD = 'staple the battery';
const LIMIT = 10;

let daybook: Daybook;
beforeAll(async () => {
  daybook = await startDaybook({ env: { AUTH: 'open', TRUST_PROXY: '1', RATE_LIMIT_DEFAULT: 'off' } });
});

/** Each test uses another network, because limits count requests by network. */
let networks = 0;
const newNetwork = () => ({ 'x-forwarded-for': `198.51.100.${++networks}` });

const login = (email: string, password: string, headers = newNetwork()): Promise<Reply> =>
  post(daybook, '/api/auth/login', { email, password }, headers);

/**
 * Requests a reset. @returns The token in the mail. Without SMTP_URL the service keeps the mail, and an operator can
 * read it.
 */
async function requestToken({ email }: TestUser, seen: readonly string[] = []): Promise<string> {
  expect((await post(daybook, '/api/auth/reset', { email }, newNetwork())).status).toBe(200);
  return eventually(async () => {
    const { messages } = (await get(daybook, `/api/mail?status=kept&to=${email}`)).json;
    for (const { id } of messages as { id: string }[]) {
      const [token] = /dbp_[\w-]{43}/.exec((await get(daybook, `/api/mail/${id}`)).json.text) ?? [];
      if (token !== undefined && !seen.includes(token)) return token;
    }
    return false;
  });
}

const confirm = (token: string, password = NEW_PASSWORD): Promise<Reply> =>
  post(daybook, '/api/auth/reset/confirm', { token, new: password }, newNetwork());

describe('password reset', () => {
  it('sets the new password once, ends every session, and invalidates the old password', async () => {
    const user = await registerUser(daybook, 'customer');
    const token = await requestToken(user);
    expect((await confirm(token)).json).toEqual({ changed: true, id: user.id });
    expectProblem(await get(daybook, '/api/auth/me', user.headers), 401);
    expectProblem(await post(daybook, '/api/auth/refresh', { refresh_token: user.refreshToken }), 401);
    expectProblem(await login(user.email, PASSWORD), 401);
    expect((await login(user.email, NEW_PASSWORD)).json.id).toBe(user.id);
    const again = await confirm(token, 'a third password');
    expectProblem(again, 400);
    expect(again.json.type).toBe('urn:daybook:problem:reset-refused');
    expect((await login(user.email, NEW_PASSWORD)).status).toBe(200);
  });

  it('accepts only the newest token', async () => {
    const user = await registerUser(daybook, 'customer');
    const first = await requestToken(user);
    const second = await requestToken(user, [first]);
    expectProblem(await confirm(first), 400);
    expect((await confirm(second)).status).toBe(200);
  });

  it('is invalidated by a change of the password', async () => {
    const user = await registerUser(daybook, 'customer');
    const token = await requestToken(user);
    const change = { current: PASSWORD, new: NEW_PASSWORD };
    expect((await post(daybook, '/api/auth/password', change, user.headers)).status).toBe(200);
    expectProblem(await confirm(token, 'a third password'), 400);
  });

  it('returns the same response for an unknown address and sends nothing', async () => {
    const [known, unknown] = [(await registerUser(daybook, 'customer')).email, `${uuidv7()}@users.example`];
    const ask = async (email: string) => (await post(daybook, '/api/auth/reset', { email }, newNetwork())).text;
    expect(await ask(unknown)).toBe(await ask(known));
    expect((await get(daybook, `/api/mail?to=${unknown}`)).json.messages).toEqual([]);
  });
});

describe('RATE_LIMIT_LOGIN', () => {
  const expectLimited = (replies: Reply[], name: string): void => {
    expect(replies.slice(0, LIMIT).map(({ status }) => status)).not.toContain(429);
    const last = replies.at(-1)!;
    expectProblem(last, 429);
    expect(last.json.detail).toContain(`"${name}" of ${LIMIT} requests in 60 s`);
    const retryAfterS = Number(last.headers.get('retry-after'));
    expect(retryAfterS).toBeGreaterThanOrEqual(1);
    expect(retryAfterS).toBeLessThanOrEqual(60);
  };
  /** Sends requests one after the other, one more than the limit. */
  const overLimit = async (send: () => Promise<Reply>): Promise<Reply[]> => {
    const replies: Reply[] = [];
    while (replies.length <= LIMIT) replies.push(await send());
    return replies;
  };
  const newEmail = (): string => `${uuidv7()}@users.example`;

  it('refuses the 11th login of a network in a minute, for any address and password', async () => {
    const [network, user] = [newNetwork(), await registerUser(daybook, 'customer')];
    expectLimited(await overLimit(() => login(newEmail(), 'wrong', network)), 'login');
    expectProblem(await login(user.email, PASSWORD, network), 429);
    expect((await login(user.email, PASSWORD)).status).toBe(200);
  });

  it('refuses the 11th login to one address in a minute, from any network and in any case', async () => {
    const { email } = await registerUser(daybook, 'customer');
    expectLimited(await overLimit(() => login(email, 'wrong')), 'login-email');
    expectProblem(await login(email.toUpperCase(), PASSWORD), 429);
  });

  it('counts logins to the dashboard together with the others', async () => {
    const network = newNetwork();
    await overLimit(() => login(newEmail(), 'wrong', network));
    expectProblem(await post(daybook, '/api/session', { email: newEmail(), password: 'wrong' }, network), 429);
  });

  it('refuses the 11th reset of a network in a minute, and counts resets apart from logins', async () => {
    const network = newNetwork();
    expectLimited(await overLimit(() => post(daybook, '/api/auth/reset', { email: newEmail() }, network)), 'reset');
    expectProblem(await login(newEmail(), 'wrong', network), 401);
  });
});
