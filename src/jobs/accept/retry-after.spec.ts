import { describe, expect, it } from '@jest/globals';
import { retryAfterS } from './retry-after.js';

describe('retryAfterS', () => {
  it.each<[number, number, number, string]>([
    [1_000, 10, 10, 'a tenth of the limit at the measured throughput'],
    [1_000, 3, 34, 'whole seconds, rounded up'],
    [1_000, 1_000_000, 1, 'at least a second'],
    [1_000, 0.001, 60, 'at most a minute'],
    [1_000, 0, 60, 'the maximum while no request has finished'],
    [1, 0.5, 2, 'room for at least one, however small the limit'],
    [15, 1, 2, 'room for one and a half is room for two'],
  ])('for a limit of %d at %d/s is %d s: %s', (maxPending, throughputPerS, seconds) => {
    expect(retryAfterS(maxPending, throughputPerS)).toBe(seconds);
  });
});
