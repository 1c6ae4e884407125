import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isSecretOf, mintKey, parseKey } from './api-key.js';

const ID = '0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55';

describe('a key', () => {
  it('has its id and 256 random bits, of which only a hash is stored', () => {
    const [one, other] = [mintKey(ID), mintKey(ID)];
    expect(one.text).toMatch(new RegExp(`^dbk_${ID}_[A-Za-z0-9_-]{43}$`));
    expect(one.text).not.toBe(other.text);
    expect(one.secretHash).toMatch(/^[0-9a-f]{64}$/);
    expect(Buffer.from(parseKey(one.text)!.secret, 'base64url')).toHaveLength(32);
  });

  it('matches its own hash and no other', () => {
    fc.assert(
      fc.property(fc.nat({ max: 42 }), (at) => {
        const { text, secretHash } = mintKey(ID);
        const { id, secret } = parseKey(text)!;
        expect([id, isSecretOf(secretHash, secret)]).toEqual([ID, true]);
        const other = secret.slice(0, at) + (secret[at] === 'A' ? 'B' : 'A') + secret.slice(at + 1);
        expect(isSecretOf(secretHash, other)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it('is parsed only in its exact form', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => expect(parseKey(text)).toBeNull()));
    const { text } = mintKey(ID);
    for (const other of [
      '',
      'dbk_',
      `${text}a`,
      text.slice(0, -1),
      ` ${text}`,
      `${text}\n`,
      text.replace('dbk', 'DBK'),
    ])
      expect([other, parseKey(other)]).toEqual([other, null]);
  });

  it('is compared in constant time, and nowhere in any other way', () => {
    const folder = new URL('./', import.meta.url);
    const sources = readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'));
    const lines = sources.flatMap((file) => readFileSync(new URL(file, folder), 'utf8').split('\n'));
    expect(
      lines.filter((line) => /(secret|hash)\w*\s*[!=]==(?! undefined)|localeCompare|\.equals\(/i.test(line)),
    ).toEqual([]);
    expect(lines.filter((line) => /secret_hash\s*=/.test(line))).toEqual([]);
    expect(lines.filter((line) => line.includes('return timingSafeEqual('))).toHaveLength(1);
  });
});
