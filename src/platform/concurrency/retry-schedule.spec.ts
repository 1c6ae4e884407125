import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LONGEST_RETRY_AFTER_MS, retryAtMs } from './retry-schedule.js';

/** A time of a monotonic clock. */
const NOW_MS = 1_000;
const DELAYS = [2_000, 4_000, 8_000];

/** @returns The delay in milliseconds. */
function waitMs(attempts: number, random?: number, delays = DELAYS): number | null {
  const atMs = retryAtMs(attempts, NOW_MS, delays, 0, random);
  return atMs && atMs - NOW_MS;
}

describe('retryAtMs', () => {
  it('waits 2, 4 and 8 s after the 1st, 2nd and 3rd attempt', () => {
    expect([1, 2, 3].map((attempts) => waitMs(attempts, 0.5))).toEqual(DELAYS);
  });

  it('returns null after the last delay', () => {
    expect(waitMs(4, 0.5)).toBeNull();
    expect(waitMs(1, 0.5, [])).toBeNull();
  });

  it('spreads the delay by a quarter in both directions', () => {
    expect(waitMs(1, 0)).toBe(1_500);
    expect(waitMs(1, 0.999_999_9)).toBeGreaterThan(2_490);
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 3), (attempts) => {
        const waited = waitMs(attempts)!;
        expect(waited).toBeGreaterThanOrEqual(0.75 * DELAYS[attempts - 1]!);
        expect(waited).toBeLessThanOrEqual(1.25 * DELAYS[attempts - 1]!);
      }),
    );
  });

  it('does not retry at the same time attempts that failed at the same time', () => {
    expect(new Set(Array.from({ length: 20 }, () => waitMs(3))).size).toBeGreaterThan(1);
  });

  it('delays an attempt up to the limit, and never makes it earlier', () => {
    const wait = (askedMs: number) => retryAtMs(1, NOW_MS, DELAYS, askedMs, 0.5)! - NOW_MS;
    expect(wait(500)).toBe(2_000);
    expect(wait(30_000)).toBe(30_000);
    expect(wait(Infinity)).toBe(LONGEST_RETRY_AFTER_MS);
    expect(retryAtMs(4, NOW_MS, DELAYS, 30_000)).toBeNull();
  });
});
