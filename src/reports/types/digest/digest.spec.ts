import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { reportContext } from '../../../../test/support/report-context.js';
import digest from './digest.report.js';

const context = reportContext({
  requestId: '',
  fileId: '',
  format: 'json',
  openFile: () => {
    throw new Error('A digest has no file');
  },
});

function plainly(input: string, iterations: number): string {
  let bytes = createHash('sha256').update(input, 'utf8').digest();
  for (let round = 1; round < iterations; round++) bytes = createHash('sha256').update(bytes).digest();
  return bytes.toString('hex');
}

describe('digest', () => {
  it('is the plain SHA-256 after one iteration (FIPS 180-2, B.1)', async () => {
    expect(await digest.generate({ input_data: 'abc', iterations: 1 }, context)).toEqual({
      result: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      iterations: 1,
      duration_ms: expect.any(Number),
    });
  });

  it.each([
    ['hello', 2],
    ['hello', 50_000],
    ['Zürich 😀', 3],
    ['x'.repeat(10_000), 10],
  ])('hashes the raw digest again and again: %.10s, %d times', async (input_data, iterations) => {
    const { result } = await digest.generate({ input_data, iterations }, context);
    expect(result).toBe(plainly(input_data, iterations));
  });

  it('does 50,000 iterations by default', () => {
    expect(digest.params.parse({ input_data: 'x' })).toEqual({ input_data: 'x', iterations: 50_000 });
  });
});
