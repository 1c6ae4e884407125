/**
 * A receiver can identify the account of a callback, no account can sign for another, and the pings of
 * one account are never refused because of another's.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { expectProblem, get, post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { type TestKey, createKey } from '../support/keys.js';
import { type Receipt, startReceiver } from '../support/receiver.js';
import { UNLIMITED } from '../support/submit.js';

const CALLBACK_SECRET = `whsec_${Buffer.alloc(32, 'open').toString('base64')}`;

let daybook: Daybook;
let acme: TestKey;
let globex: TestKey;
beforeAll(async () => {
  const env = { ...UNLIMITED, AUTH: 'required', CALLBACK_SECRET, CALLBACK_TIMEOUT: '5s', CALLBACK_SIGNATURE: 'both' };
  daybook = await startDaybook({ env });
  acme = await createKey(daybook, ['reports:read', 'reports:write'], { account: 'acme' });
  globex = await createKey(daybook, ['reports:read', 'reports:write'], { account: 'globex' });
});

const secretOf = async ({ headers }: TestKey): Promise<string> =>
  (await get(daybook, '/api/callback-secrets', headers)).json.secrets[0].secret;

function isAccepted(secret: string, { raw, headers }: Receipt): boolean {
  try {
    new Webhook(secret).verify(raw, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}

/** Sends one async request, one sync request and a ping, and returns their messages by type. */
async function messagesOf({ headers }: TestKey): Promise<Receipt[]> {
  const receiver = await startReceiver();
  const body = { input_data: 'x', iterations: 1, callback_url: receiver.url };
  await Promise.all([
    post(daybook, '/api/async', body, headers),
    post(daybook, '/api/sync', body, headers),
    post(daybook, '/api/callbacks/test', { url: receiver.url }, headers),
  ]);
  return eventually(() => receiver.received.length === 3 && receiver.received);
}

it('each account signs all of its messages with its own secret, and they name the account', async () => {
  const [mine, theirs] = await Promise.all([secretOf(acme), secretOf(globex)]);
  expect(new Set([mine, theirs, CALLBACK_SECRET]).size).toBe(3);
  for (const message of await messagesOf(acme)) {
    expect(message.json.account).toBe('acme');
    expect([mine, theirs, CALLBACK_SECRET].map((secret) => isAccepted(secret, message))).toEqual([true, false, false]);
  }
  for (const message of await messagesOf(globex)) {
    expect(message.json.account).toBe('globex');
    expect([mine, theirs, CALLBACK_SECRET].map((secret) => isAccepted(secret, message))).toEqual([false, true, false]);
  }
});

it('each account has its own Ed25519 key', async () => {
  const keys = await Promise.all(
    [acme, globex].map(async ({ headers }) => (await get(daybook, '/api/callback-secrets/public-key', headers)).json),
  );
  expect(keys.map(({ public_keys }) => public_keys.length)).toEqual([1, 1]);
  expect(keys[0].public_keys[0].public_key).not.toBe(keys[1].public_keys[0].public_key);
});

it('with AUTH=open, messages name the account open and are signed with CALLBACK_SECRET', async () => {
  const open = await startDaybook({ env: { ...UNLIMITED, CALLBACK_SECRET } });
  const receiver = await startReceiver();
  await post(open, '/api/callbacks/test', { url: receiver.url });
  await post(open, '/api/async', { input_data: 'x', iterations: 1, callback_url: receiver.url });
  for (const message of await eventually(() => receiver.received.length === 2 && receiver.received)) {
    expect([message.json.account, isAccepted(CALLBACK_SECRET, message)]).toEqual(['open', true]);
  }
});

describe('a rotation', () => {
  it('changes the secret of the caller and of no other account', async () => {
    const [mine, theirs] = await Promise.all([secretOf(acme), secretOf(globex)]);
    const rotated = await post(daybook, '/api/callback-secrets/rotate', { expire_old_after: '0s' }, acme.headers);
    expect(rotated.json.secrets).toHaveLength(1);
    const [{ secret: fresh }] = rotated.json.secrets;
    expect(fresh).not.toBe(mine);
    expect(await secretOf(globex)).toBe(theirs);
    await eventually(async () => (await messagesOf(acme)).every((message) => isAccepted(fresh, message)));
    for (const message of await messagesOf(globex)) expect(isAccepted(theirs, message)).toBe(true);
  });

  it('of another account needs an admin who names the account', async () => {
    const admin = await createKey(daybook, ['admin'], { account: 'operations' });
    const headers = { ...admin.headers, 'Daybook-Account': 'globex' };
    const { json } = await get(daybook, '/api/callback-secrets', headers);
    expect(json.secrets[0].secret).toBe(await secretOf(globex));
    await post(daybook, '/api/callback-secrets/rotate', {}, headers);
    expect(await secretOf(globex)).not.toBe(json.secrets[0].secret);
  });

  it('needs the scope reports:write, as the secrets do; the public keys need reports:read', async () => {
    const reader = await createKey(daybook, ['reports:read'], { account: 'acme' });
    expectProblem(await get(daybook, '/api/callback-secrets', reader.headers), 403);
    expectProblem(await post(daybook, '/api/callback-secrets/rotate', {}, reader.headers), 403);
    expect((await get(daybook, '/api/callback-secrets/public-key', reader.headers)).status).toBe(200);
  });
});

describe('the pings of an account', () => {
  it('are not refused while another account has reached its limit', async () => {
    const silent = await startReceiver();
    silent.answer('silence');
    const receiver = await startReceiver();
    const ping = ({ headers }: TestKey, url: string) => post(daybook, '/api/callbacks/test', { url }, headers);
    const hostile = Promise.all(Array.from({ length: 64 }, () => ping(acme, silent.url)));
    await eventually(() => silent.received.length >= 32);
    expect((await ping(globex, receiver.url)).json).toMatchObject({ outcome: 'succeeded' });
    const statuses = (await hostile).map(({ status }) => status);
    expect(statuses.filter((status) => status === 503)).toHaveLength(32);
  });
});
