import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sha256Chain } from './sha256-chain.js';

const COMPILED = new URL('../../../../dist/src/reports/types/digest/sha256-chain.js', import.meta.url);
const GENERATOR = fileURLToPath(new URL('../../../../scripts/generate-sha256-rounds.js', import.meta.url));

function byOpenSsl(text: string, iterations: number): string {
  let digest = createHash('sha256').update(text, 'utf8').digest();
  for (let round = 1; round < iterations; round++) digest = createHash('sha256').update(digest).digest();
  return digest.toString('hex');
}

describe('sha256Chain', () => {
  it('gives the same digest as OpenSSL for every text and number of iterations', () => {
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

  it('works when the process may not generate code from strings', () => {
    const code = `const { sha256Chain } = await import(${JSON.stringify(COMPILED.href)});
      process.stdout.write(sha256Chain('abc', 50));`;
    const flags = ['--disallow-code-generation-from-strings', '--input-type=module'];
    const printed = execFileSync(process.execPath, [...flags, '--eval', code], { encoding: 'utf8' });
    expect(printed).toBe(byOpenSsl('abc', 50));
  });
});

describe('sha256-rounds.generated.ts', () => {
  it('is the output of its generator', () => {
    expect(() => execFileSync(process.execPath, [GENERATOR, '--check'], { stdio: 'pipe' })).not.toThrow();
  });
});
