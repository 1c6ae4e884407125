/**
 * Callbacks are signed according to Standard Webhooks 1.0.0, as verified by the official library rather than by our own
 * code.
 */
import { createPublicKey, verify } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { type Receipt, type Receiver, startReceiver } from '../support/receiver.js';
import {
  ENV,
  type Secret,
  callbackOf,
  isAccepted,
  newSecret,
  rotate,
  secretsOf,
  signaturesOf,
} from './signature-fixture.js';

describe('a callback', () => {
  const secret = newSecret();
  let daybook: Daybook;
  let receiver: Receiver;
  beforeAll(async () => {
    const env = { ...ENV, CALLBACK_SECRET: secret, CALLBACK_RETRY_DELAYS: '1500ms,1500ms' };
    daybook = await startDaybook({ env });
    receiver = await startReceiver();
  });

  it('verifies in every attempt, with its own time, the same id and the same bytes', async () => {
    receiver.answer({ status: 500 }, { status: 503 }, {});
    await callbackOf(daybook, receiver);
    const attempts = await eventually(() => receiver.received.length === 3 && receiver.received);
    for (const attempt of attempts) expect(isAccepted(secret, attempt)).toBe(true);
    const values = (name: string) => new Set(attempts.map(({ headers }) => headers[name]));
    expect(values('webhook-id').size).toBe(1);
    expect(values('webhook-timestamp').size).toBe(3);
    expect(values('webhook-signature').size).toBe(3);
    expect(new Set(attempts.map(({ raw }) => raw.toString('hex'))).size).toBe(1);
    // A signature covers the timestamp of its attempt.
    const [first, second] = attempts as [Receipt, Receipt];
    const timestamp = { 'webhook-timestamp': first.headers['webhook-timestamp'] };
    expect(isAccepted(secret, { raw: second.raw, headers: { ...second.headers, ...timestamp } })).toBe(false);
  });

  it('does not verify when any byte of it is changed', async () => {
    const { raw, headers } = await callbackOf(daybook, receiver);
    expect(isAccepted(secret, { raw, headers })).toBe(true);
    for (let at = 0; at < raw.length; at++) {
      const tampered = Buffer.from(raw);
      tampered[at]! ^= 1;
      expect([at, isAccepted(secret, { raw: tampered, headers })]).toEqual([at, false]);
    }
    const shorter = { raw: raw.subarray(0, -1), headers };
    expect(isAccepted(secret, shorter)).toBe(false);
    expect(isAccepted(newSecret(), { raw, headers })).toBe(false);
    const otherId = { ...headers, 'webhook-id': `${String(headers['webhook-id'])}0` };
    expect(isAccepted(secret, { raw, headers: otherId })).toBe(false);
  });

  it('is signed with the secret that the API returns', async () => {
    const [shown, ...others] = await secretsOf(daybook);
    expect(others).toEqual([]);
    expect(shown).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      secret,
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
      expires_at: null,
    });
  });
});

describe('CALLBACK_SIGNATURE', () => {
  /** Verified with node:crypto and a JSON Web Key, using only the published key. */
  function isSignedByPublished(publicKey: string, { raw, headers }: Receipt, signature: string): boolean {
    const x = Buffer.from(publicKey.slice('whpk_'.length), 'base64').toString('base64url');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    const { 'webhook-id': id, 'webhook-timestamp': timestamp } = headers;
    const content = Buffer.concat([Buffer.from(`${String(id)}.${String(timestamp)}.`), raw]);
    return verify(null, content, key, Buffer.from(signature.slice('v1a,'.length), 'base64'));
  }

  it.each([
    ['both', ['v1', 'v1a']],
    ['v1a', ['v1a']],
  ])('%s: v1a verifies with the published key, and v1 still verifies', async (CALLBACK_SIGNATURE, schemes) => {
    const daybook = await startDaybook({ env: { ...ENV, CALLBACK_SIGNATURE } });
    const receiver = await startReceiver();
    const callback = await callbackOf(daybook, receiver);
    const signatures = signaturesOf(callback);
    expect(signatures.map((signature) => signature.split(',')[0])).toEqual(schemes);
    const { json, text } = await get(daybook, '/api/callback-secrets/public-key');
    const [{ public_key: key }, ...others] = json.public_keys;
    expect([json.in_use, others, key]).toEqual([true, [], expect.stringMatching(/^whpk_[A-Za-z0-9+/]{43}=$/)]);
    expect(text).not.toMatch(/whs/);
    expect(isSignedByPublished(key, callback, signatures.at(-1)!)).toBe(true);
    const tampered = Buffer.from(callback.raw);
    tampered[0]! ^= 1;
    expect(isSignedByPublished(key, { ...callback, raw: tampered }, signatures.at(-1)!)).toBe(false);
    const [{ secret } = { secret: '' }] = await secretsOf(daybook);
    expect(isAccepted(secret, callback)).toBe(schemes.includes('v1'));
  });
});

describe('the API of secrets', () => {
  let daybook: Daybook;
  beforeAll(async () => {
    daybook = await startDaybook({ env: { ...ENV, CALLBACK_SECRET_OVERLAP: '1h' } });
  });

  // First, while there is one secret.
  it('CALLBACK_SIGNATURE defaults to v1; the public key is still listed, as not in use', async () => {
    const receiver = await startReceiver();
    expect(signaturesOf(await callbackOf(daybook, receiver))).toEqual([expect.stringMatching(/^v1,[\w+/]{43}=$/)]);
    const { json } = await get(daybook, '/api/callback-secrets/public-key');
    expect(json).toMatchObject({ in_use: false, public_keys: [{ expires_at: null }] });
  });

  it('refuses an invalid or too long overlap without a change', async () => {
    const before = await secretsOf(daybook);
    for (const expire_old_after of ['8d', '', '24', 24, '-1s', null]) {
      const reply = await post(daybook, '/api/callback-secrets/rotate', { expire_old_after });
      expectProblem(reply, 422);
      expect(reply.json.errors).toEqual([{ path: 'expire_old_after', message: expect.any(String) }]);
    }
    expectProblem(await post(daybook, '/api/callback-secrets/rotate', { expire_after: '1h' }), 422);
    expectProblem(await post(daybook, '/api/callback-secrets/rotate', []), 422);
    expect(await secretsOf(daybook)).toEqual(before);
  });

  it('rotates with the configured overlap by default, and forbids caching', async () => {
    const [newest, old] = (await rotate(daybook)) as [Secret, Secret];
    expect(Date.parse(old.expires_at!) - Date.parse(newest.created_at)).toBeCloseTo(3_600_000, -3);
    const { headers } = await get(daybook, '/api/callback-secrets');
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('refuses an eleventh secret with 409 and a remedy', async () => {
    for (let count = (await secretsOf(daybook)).length; count < 10; count++) await rotate(daybook);
    const reply = await post(daybook, '/api/callback-secrets/rotate', {});
    expectProblem(reply, 409);
    expect(reply.json).toMatchObject({
      type: 'urn:daybook:problem:too-many-callback-secrets',
      detail: expect.stringContaining('{"expire_old_after": "0s"}'),
    });
    expect(await rotate(daybook, { expire_old_after: '0s' })).toHaveLength(1);
  });

  it('logs no secret', async () => {
    const secrets = await rotate(daybook, { expire_old_after: '1m' });
    for (const { secret } of secrets) expect(daybook.output()).not.toContain(secret);
    expect(daybook.output()).not.toMatch(/whs(ec|k)_/);
  });
});
