import { beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type AccountSecrets, CallbackSigner } from './callback-signer.js';
import {
  generatePrivateKey,
  generateSecret,
  isSignature,
  publicKeyOf,
  readPublicKey,
  readSecret,
} from './signature.js';
import { OPEN_INSTALLATION } from '../../platform/tenant.js';

const ID = 'msg_1';
const TIMESTAMP = '1772366403';
const BODY = Buffer.from('{"a":1}');

function secretOf(id: string, expiresInMs: number | null) {
  return { id, secret: generateSecret(), privateKey: generatePrivateKey(), expiresInMs };
}
type Secret = ReturnType<typeof secretOf>;

let valid: Map<string, Secret[]>;
let nowMs: number;
/** The account ids of each query. */
let asked: string[][];
let isAway: boolean;

beforeEach(() => {
  Logger.overrideLogger(false);
  [valid, nowMs, asked, isAway] = [new Map([['a', [secretOf('newest', null)]]]), 1_000, [], false];
});

const lookUp = async (ids: string[]): Promise<Map<string, AccountSecrets>> => {
  asked.push(ids);
  if (isAway) throw new Error('Postgres is away');
  return new Map(ids.map((id) => [id, { name: `account ${id}`, secrets: valid.get(id)! }]));
};

const signerOf = (scheme: 'v1' | 'v1a' | 'both' = 'v1', read = lookUp) => new CallbackSigner(read, scheme, () => nowMs);

/** The id of the secret and the scheme of each signature of an account's message. */
async function generatorsOf(signer: CallbackSigner, account: string | null = 'a'): Promise<string[]> {
  const secrets = [...valid.values()].flat();
  const header = (await signer.of(account)).signatures(ID, TIMESTAMP, BODY);
  return header.split(' ').map((signature) => {
    const [scheme, encoded = ''] = signature.split(',');
    const signing = secrets.find(({ secret, privateKey }) => {
      const key = scheme === 'v1' ? readSecret(secret) : readPublicKey(publicKeyOf(privateKey));
      return isSignature(key, Buffer.from(encoded, 'base64'), ID, TIMESTAMP, BODY);
    });
    return `${signing?.id} ${scheme}`;
  });
}

/** Lets a refresh in the background end. */
const settled = () => new Promise<void>((resolve) => setTimeout(resolve, 20));

describe('a signer', () => {
  it('signs with all valid secrets, newest first', async () => {
    valid.set('a', [secretOf('newest', null), secretOf('old', 500), secretOf('older', 100)]);
    expect(await generatorsOf(signerOf())).toEqual(['newest v1', 'old v1', 'older v1']);
  });

  it('signs with the configured schemes', async () => {
    valid.set('a', [secretOf('newest', null), secretOf('old', 500)]);
    expect(await generatorsOf(signerOf('v1a'))).toEqual(['newest v1a', 'old v1a']);
    expect(await generatorsOf(signerOf('both'))).toEqual(['newest v1', 'old v1', 'newest v1a', 'old v1a']);
  });

  it('signs the messages of each account with its own secrets and name', async () => {
    valid.set('b', [secretOf('of b', null)]).set(OPEN_INSTALLATION, [secretOf('of the installation', null)]);
    const signer = signerOf();
    const [a, b, open] = await Promise.all(['a', 'b', null].map((account) => generatorsOf(signer, account)));
    expect([a, b, open]).toEqual([['newest v1'], ['of b v1'], ['of the installation v1']]);
    expect((await signer.of('b')).account).toBe('account b');
    expect(asked).toEqual([['a', 'b', OPEN_INSTALLATION]]);
  });

  it('stops using an old secret when it expires, without a query', async () => {
    valid.set('a', [secretOf('newest', null), secretOf('old', 500)]);
    const signer = signerOf();
    expect(await generatorsOf(signer)).toEqual(['newest v1', 'old v1']);
    nowMs += 499;
    expect(await generatorsOf(signer)).toEqual(['newest v1', 'old v1']);
    nowMs += 1;
    expect(await generatorsOf(signer)).toEqual(['newest v1']);
    expect(asked).toHaveLength(1);
  });

  it('does not extend the validity of a secret when the query is slow', async () => {
    valid.set('a', [secretOf('newest', null), secretOf('old', 500)]);
    const slow = (ids: string[]) => {
      nowMs += 400;
      return lookUp(ids);
    };
    const signer = signerOf('v1', slow);
    await signer.of('a');
    nowMs += 100;
    expect(await generatorsOf(signer)).toEqual(['newest v1']);
  });

  it('needs no query to sign while the cached secrets are fresh', async () => {
    const signer = signerOf();
    for (let count = 0; count < 100; count++) await generatorsOf(signer);
    expect(asked).toHaveLength(1);
  });

  it('shares one query between concurrent refreshes', async () => {
    const signer = signerOf();
    await Promise.all([signer.of('a'), signer.of('a'), signer.of('a')]);
    expect(asked).toEqual([['a']]);
  });

  it('reads the secrets of an account in use again in the background', async () => {
    const signer = signerOf();
    await signer.of('a');
    valid.set('a', [secretOf('new', null), { ...valid.get('a')![0]!, expiresInMs: 60_000 }]);
    nowMs += 2_000;
    expect(await generatorsOf(signer)).toEqual(['newest v1']);
    await settled();
    expect(await generatorsOf(signer)).toEqual(['new v1', 'newest v1']);
  });

  it('never signs with secrets that were read more than 4 s ago', async () => {
    const signer = signerOf();
    await signer.of('a');
    valid.set('a', [secretOf('new', null)]);
    nowMs += 4_000;
    expect(await generatorsOf(signer)).toEqual(['new v1']);
  });

  it('uses the cached secrets while the database is unavailable', async () => {
    const signer = signerOf();
    await signer.of('a');
    isAway = true;
    nowMs += 60_000;
    expect(await generatorsOf(signer)).toEqual(['newest v1']);
    isAway = false;
    valid.set('a', [secretOf('new', null)]);
    expect(await generatorsOf(signer)).toEqual(['new v1']);
  });
});
