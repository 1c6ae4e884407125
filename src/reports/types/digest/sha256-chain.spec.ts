import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sha256Chain } from './sha256-chain.js';

function byOpenSsl(text: string, iterations: number): string {
  let digest = createHash('sha256').update(text, 'utf8').digest();
  for (let round = 1; round < iterations; round++) digest = createHash('sha256').update(digest).digest();
  return digest.toString('hex');
}

describe('sha256Chain', () => {
  it('is what OpenSSL makes of every text, however often it is hashed', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.integer({ min: 1, max: 300 }),
        (text, iterations) => {
          expect(sha256Chain(text, iterations)).toBe(byOpenSsl(text, iterations));
        },
      ),
    );
  });
});
