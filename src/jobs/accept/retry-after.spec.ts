import { describe, expect, it } from '@jest/globals';
import { retryAfterS } from './retry-after.js';

describe('retryAfterS', () => {
  it.each<[number, number, number, string]>([
    [1_000, 10, 10, 'a tenth of the limit at the measured speed'],
    [1_000, 3, 34, 'whole seconds, rounded up'],
    [1_000, 1_000_000, 1, 'never at once'],
    [1_000, 0.001, 60, 'never so long that nobody would wait'],
    [1_000, 0, 60, 'the longest while the lane has not drained yet'],
    [1, 0.5, 2, 'room for one at the least, however small the limit'],
    [15, 1, 2, 'room for one and a half is room for two'],
  ])('for a limit of %d drained at %d/s is %d s: %s', (maxPending, throughputPerS, seconds) => {
    expect(retryAfterS(maxPending, throughputPerS)).toBe(seconds);
  });
});
