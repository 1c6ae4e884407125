import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { matchesStatus, nextAttemptAt } from './retry-schedule.js';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const DELAYS = [2_000, 4_000, 8_000];

/** How long after now, in milliseconds. */
function waitMs(attempts: number, random?: number, delays = DELAYS): number | null {
  const at = nextAttemptAt(attempts, NOW, delays, random);
  return at && at.getTime() - NOW.getTime();
}

describe('nextAttemptAt', () => {
  it('waits 2, 4 and 8 s after the 1st, 2nd and 3rd attempt', () => {
    expect([1, 2, 3].map((attempts) => waitMs(attempts, 0.5))).toEqual(DELAYS);
  });

  it('gives up after the last delay', () => {
    expect(waitMs(4, 0.5)).toBeNull();
    expect(waitMs(1, 0.5, [])).toBeNull();
  });

  it('spreads the wait by a quarter either way', () => {
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

  it('does not try at the same time what failed at the same time', () => {
    expect(new Set(Array.from({ length: 20 }, () => waitMs(3))).size).toBeGreaterThan(1);
  });
});

describe('matchesStatus', () => {
  it.each<[number, string[], boolean]>([
    [500, ['5xx'], true],
    [599, ['5xx'], true],
    [429, ['5xx'], false],
    [429, ['5xx', '429'], true],
    [428, ['429'], false],
    [404, ['4xx'], true],
    [301, ['3xx'], true],
    [500, [], false],
  ])('%d is one of %j: %s', (status, patterns, expected) => {
    expect(matchesStatus(status, patterns)).toBe(expected);
  });
});
