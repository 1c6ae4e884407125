import { describe, expect, it } from '@jest/globals';
import { seededRandom } from './seeded-random.js';

const draw = (seed: string, bound: number, count: number): number[] => {
  const below = seededRandom(seed);
  return Array.from({ length: count }, () => below(bound));
};

describe('seededRandom', () => {
  it('draws the same numbers from the same seed', () => {
    expect(draw('a', 1_000, 50)).toEqual(draw('a', 1_000, 50));
  });

  it('draws other numbers from another seed', () => {
    expect(draw('a', 1_000, 50)).not.toEqual(draw('b', 1_000, 50));
  });

  it('never changes, because the bytes of reports depend on it', () => {
    expect(draw('daybook', 1_000_000, 4)).toEqual([354_851, 953_205, 238_592, 148_053]);
  });

  it('draws every number below the bound equally often', () => {
    const counts = Array.from({ length: 30 }, () => 0);
    for (const value of draw('uniform', 30, 300_000)) counts[value]!++;
    // Chi-square, 29 degrees of freedom: beyond 70 once in 40,000 seeds.
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquare).toBeLessThan(70);
  });

  it('favours no part of a range that does not divide 2^31', () => {
    // Without drawing again, the lower half of 3 * 2^29 would be drawn twice as often as it should be.
    const bound = 3 * 2 ** 29;
    const lower = draw('bias', bound, 100_000).filter((value) => value < bound / 2).length;
    expect(Math.abs(lower - 50_000)).toBeLessThan(1_000);
  });

  it('draws 0 below 1', () => {
    expect(draw('one', 1, 10)).toEqual(Array.from({ length: 10 }, () => 0));
  });
});
