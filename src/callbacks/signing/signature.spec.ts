import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import {
  generatePrivateKey,
  generateSecret,
  InvalidKey,
  isSignature,
  publicKeyOf,
  readPrivateKey,
  readPublicKey,
  readSecret,
  sign,
} from './signature.js';

const ID = 'msg_0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55';
const BODY = Buffer.from('{"report_name":"Übersicht","total":1.5}');
/** The library refuses timestamps older than five minutes. */
const TIMESTAMP = String(Math.floor(Date.now() / 1_000));

const bytesOf = (signature: string): Buffer => Buffer.from(signature.split(',')[1]!, 'base64');
const secretOf = (length: number): string => `whsec_${Buffer.alloc(length, 7).toString('base64')}`;

describe('a v1 signature', () => {
  it('equals the example of the Standard Webhooks documentation', () => {
    const key = readSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    const body = Buffer.from('{"test": 2432232314}');
    expect(sign(key, 'msg_p5jXN8AQM9LWM0D4loKWxJek', '1614265330', body)).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  it.each([24, 32, 64])('under %i bytes is right for the official library', (length) => {
    const secret = secretOf(length);
    const headers = {
      'webhook-id': ID,
      'webhook-timestamp': TIMESTAMP,
      'webhook-signature': sign(readSecret(secret), ID, TIMESTAMP, BODY),
    };
    expect(new Webhook(secret).verify(BODY, headers)).toEqual(JSON.parse(BODY.toString()));
    const other = Buffer.from(BODY.toString().replace('1.5', '1.6'));
    expect(() => new Webhook(secret).verify(other, headers)).toThrow('No matching signature found');
  });

  it('covers arbitrary bytes', () => {
    const key = readSecret(generateSecret());
    const bytes = Buffer.from([0, 0xff, 0xc3, 0x28, 0x0d, 0x0a]);
    const signature = bytesOf(sign(key, ID, TIMESTAMP, bytes));
    expect(isSignature(key, signature, ID, TIMESTAMP, bytes)).toBe(true);
    expect(isSignature(key, signature, ID, TIMESTAMP, Buffer.from(bytes.toString()))).toBe(false);
  });
});

describe('a v1a signature', () => {
  it('is Ed25519 over the same content and verifies with the public key', () => {
    const text = generatePrivateKey();
    const signature = sign(readPrivateKey(text), ID, TIMESTAMP, BODY);
    expect(signature).toMatch(/^v1a,[A-Za-z0-9+/]{86}==$/);
    const [, encoded = ''] = /^whpk_(.*)$/.exec(publicKeyOf(text))!;
    // Through a JSON Web Key, which is independent of our own code.
    const x = Buffer.from(encoded, 'base64').toString('base64url');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    const content = Buffer.concat([Buffer.from(`${ID}.${TIMESTAMP}.`), BODY]);
    expect(verify(null, content, key, bytesOf(signature))).toBe(true);
  });

  it('equals test 2 of RFC 8032 section 7.1', () => {
    const seed = '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb';
    const point = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c';
    const text = `whsk_${Buffer.from(seed + point, 'hex').toString('base64')}`;
    expect(publicKeyOf(text)).toBe(`whpk_${Buffer.from(point, 'hex').toString('base64')}`);
  });
});

describe('each part that is signed', () => {
  const privateText = generatePrivateKey();
  const secret = readSecret(generateSecret());
  const schemes = [
    ['v1', secret, secret],
    ['v1a', readPrivateKey(privateText), readPublicKey(publicKeyOf(privateText))],
  ] as const;

  it.each(schemes)('counts under %s', (_, signing, verifying) => {
    const signature = bytesOf(sign(signing, ID, TIMESTAMP, BODY));
    const right = (id = ID, timestamp = TIMESTAMP, body = BODY, bytes = signature) =>
      isSignature(verifying, bytes, id, timestamp, body);
    expect(right()).toBe(true);
    expect(right(`${ID}x`)).toBe(false);
    expect(right(ID, String(Number(TIMESTAMP) + 1))).toBe(false);
    expect(right(ID, TIMESTAMP, Buffer.concat([BODY, Buffer.from('\n')]))).toBe(false);
    expect(right(ID, TIMESTAMP, BODY, signature.subarray(1))).toBe(false);
    expect(right(ID, TIMESTAMP, BODY, Buffer.alloc(signature.length))).toBe(false);
  });
});

describe('a key', () => {
  it('has 32 new random bytes each time', () => {
    const secrets = new Set(Array.from({ length: 100 }, generateSecret));
    expect(secrets.size).toBe(100);
    for (const secret of secrets) expect(readSecret(secret).symmetricKeySize).toBe(32);
    expect(generatePrivateKey()).not.toBe(generatePrivateKey());
  });

  const good = secretOf(32);
  const wrong = [
    '',
    'whsec_',
    secretOf(23),
    secretOf(65),
    good.slice('whsec_'.length),
    good.replace(/=$/, ''),
    ` ${good}`,
    `${good}\n`,
    good.replace('whsec_', 'whsk_'),
    `whsec_${Buffer.alloc(32, 0xfb).toString('base64url')}`,
    `whsec_${'ab'.repeat(16)}*`,
  ];
  it.each(wrong)('is refused when it is none, and not shown: %j', (text) => {
    for (const read of [readSecret, readPrivateKey, readPublicKey]) {
      expect(() => read(text)).toThrow(InvalidKey);
      expect(() => read(text)).toThrow(/^A (secret|private key|public key) is wh[a-z]+_ and [a-z0-9 ]+$/);
    }
  });
});
