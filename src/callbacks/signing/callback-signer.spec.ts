import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { CallbackSigner } from './callback-signer.js';
import {
  generatePrivateKey,
  generateSecret,
  isSignature,
  publicKeyOf,
  readPublicKey,
  readSecret,
} from './signature.js';

const ID = 'msg_1';
const TIMESTAMP = '1772366403';
const BODY = Buffer.from('{"a":1}');

function secretOf(id: string, expiresInMs: number | null) {
  return { id, secret: generateSecret(), privateKey: generatePrivateKey(), expiresInMs };
}
type Secret = ReturnType<typeof secretOf>;

let valid: Secret[];
let nowMs: number;
let asked: number;
let isAway: boolean;

beforeEach(() => {
  Logger.overrideLogger(false);
  [valid, nowMs, asked, isAway] = [[secretOf('newest', null)], 1_000, 0, false];
});

/** A signer that has read the valid secrets once. */
async function signerOf(scheme: 'v1' | 'v1a' | 'both' = 'v1'): Promise<CallbackSigner> {
  const lookUp = async () => {
    asked++;
    if (isAway) throw new Error('Postgres is away');
    return valid;
  };
  const signer = new CallbackSigner(lookUp, scheme, () => nowMs);
  await signer.refresh();
  return signer;
}

const signaturesOf = (signer: CallbackSigner): string[] => signer.signatures(ID, TIMESTAMP, BODY).split(' ');

/** The id of the secret and the scheme of each signature. */
function generatorsOf(signer: CallbackSigner, secrets: Secret[]): string[] {
  return signaturesOf(signer).map((signature) => {
    const [scheme, encoded = ''] = signature.split(',');
    const signing = secrets.find(({ secret, privateKey }) => {
      const key = scheme === 'v1' ? readSecret(secret) : readPublicKey(publicKeyOf(privateKey));
      return isSignature(key, Buffer.from(encoded, 'base64'), ID, TIMESTAMP, BODY);
    });
    return `${signing?.id} ${scheme}`;
  });
}

describe('a signer', () => {
  it('signs with all valid secrets, newest first', async () => {
    valid = [secretOf('newest', null), secretOf('old', 500), secretOf('older', 100)];
    expect(generatorsOf(await signerOf(), valid)).toEqual(['newest v1', 'old v1', 'older v1']);
  });

  it('signs with the configured schemes', async () => {
    valid = [secretOf('newest', null), secretOf('old', 500)];
    expect(generatorsOf(await signerOf('v1a'), valid)).toEqual(['newest v1a', 'old v1a']);
    expect(generatorsOf(await signerOf('both'), valid)).toEqual(['newest v1', 'old v1', 'newest v1a', 'old v1a']);
  });

  it('stops using an old secret when it expires, without a query', async () => {
    valid = [secretOf('newest', null), secretOf('old', 500)];
    const signer = await signerOf();
    nowMs += 499;
    expect(generatorsOf(signer, valid)).toEqual(['newest v1', 'old v1']);
    nowMs += 1;
    expect(generatorsOf(signer, valid)).toEqual(['newest v1']);
    expect(asked).toBe(1);
  });

  it('does not extend the validity of a secret when the query is slow', async () => {
    valid = [secretOf('newest', null), secretOf('old', 500)];
    const slow = async () => {
      nowMs += 400;
      return valid;
    };
    const signer = new CallbackSigner(slow, 'v1', () => nowMs);
    await signer.refresh();
    nowMs += 100;
    expect(generatorsOf(signer, valid)).toEqual(['newest v1']);
  });

  it('shares one query between concurrent refreshes', async () => {
    const signer = await signerOf();
    await Promise.all([signer.refresh(), signer.refresh(), signer.refresh()]);
    expect(asked).toBe(2);
    await signer.refresh();
    expect(asked).toBe(3);
  });

  it('needs no query to sign', async () => {
    const signer = await signerOf();
    for (let count = 0; count < 100; count++) signaturesOf(signer);
    expect(asked).toBe(1);
  });
});

describe('a running signer', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('uses a rotated secret within 5 seconds, until it is stopped', async () => {
    const signer = await signerOf();
    await signer.onModuleInit();
    const old = { ...valid[0]!, expiresInMs: 60_000 };
    valid = [secretOf('new', null), old];
    expect(generatorsOf(signer, valid)).toEqual(['newest v1']);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(generatorsOf(signer, valid)).toEqual(['new v1', 'newest v1']);
    signer.onApplicationShutdown();
    const askedBefore = asked;
    await jest.advanceTimersByTimeAsync(60_000);
    expect(asked).toBe(askedBefore);
  });

  it('uses the cached secrets while the database is unavailable', async () => {
    const signer = await signerOf();
    await signer.onModuleInit();
    isAway = true;
    await jest.advanceTimersByTimeAsync(10_000);
    expect(generatorsOf(signer, valid)).toEqual(['newest v1']);
    isAway = false;
    valid = [secretOf('new', null)];
    await jest.advanceTimersByTimeAsync(5_000);
    expect(generatorsOf(signer, valid)).toEqual(['new v1']);
    signer.onApplicationShutdown();
  });
});
