import { describe, expect, it } from '@jest/globals';
import { UnresolvedDestinations, waitMs } from './postponing.js';

describe('the delay after a try that sent nothing', () => {
  it.each([
    [0, 2_000],
    [1_000, 2_000],
    [8_000, 8_000],
    [3_600_000, 60_000],
  ])('is, after %d ms of waiting, %d ms ± 25%%', (waitedMs, delayMs) => {
    expect(waitMs(waitedMs, 0.5)).toBe(delayMs);
    expect(waitMs(waitedMs, 0)).toBe(0.75 * delayMs);
    expect(waitMs(waitedMs, 0.999_999)).toBeCloseTo(1.25 * delayMs, 0);
  });
});

describe('a destination that cannot be resolved', () => {
  it('waits for longer each time, and for nothing once it was resolved', () => {
    const destinations = new UnresolvedDestinations();
    expect(destinations.triedInMs('a', 0)).toBeNull();
    const first = destinations.hold('a', 0, 0);
    expect(destinations.triedInMs('a', 0)).toBe(first);
    expect(destinations.triedInMs('a', first + 1)).toBe(0);
    // Another delivery, which has not waited itself.
    const second = destinations.hold('a', 0, 40_000);
    expect(second - 40_000).toBeGreaterThanOrEqual(30_000);
    destinations.release('a');
    expect(destinations.triedInMs('a', 40_000)).toBeNull();
  });

  it('waits as long as the delivery that found out has waited, after a restart', () => {
    expect(new UnresolvedDestinations().hold('a', 30_000, 0)).toBeGreaterThanOrEqual(22_500);
  });
});
