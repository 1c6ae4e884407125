import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { withinTimeBudget } from './time-budget.js';

describe('withinTimeBudget', () => {
  afterEach(() => void jest.restoreAllMocks());

  /** Returns how many of the batches run when each takes the given time. */
  async function done(budgetMs: number, batches: number, tookMs: number): Promise<number> {
    let count = 0;
    let nowMs = 7;
    jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
    await withinTimeBudget(budgetMs, async () => {
      nowMs += tookMs;
      return ++count < batches;
    });
    return count;
  }

  it.each([
    [500, 3, 10, 3],
    [500, 1_000, 100, 5],
    [500, 1_000, 150, 4],
    [500, 2, 60_000, 1],
    [500, 1, 0, 1],
  ])('of %d ms: of %d batches that take %d ms each %d are done', async (budgetMs, batches, tookMs, count) => {
    expect(await done(budgetMs, batches, tookMs)).toBe(count);
  });
});
