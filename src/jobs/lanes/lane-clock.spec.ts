import { describe, expect, it } from '@jest/globals';
import { LaneClock } from './lane-clock.js';

describe('LaneClock', () => {
  it('advances the database’s time by the monotonic clock', () => {
    let nowMs = 5_000.25;
    const clock = new LaneClock(new Date('2026-03-01T12:00:00.000Z'), () => nowMs);
    expect(clock.now()).toEqual(new Date('2026-03-01T12:00:00.000Z'));
    nowMs += 1_234;
    expect(clock.now()).toEqual(new Date('2026-03-01T12:00:01.234Z'));
  });

  it('advances by itself', () => {
    const clock = new LaneClock(new Date(0));
    const times = Array.from({ length: 1_000 }, () => Number(clock.now()));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBeLessThan(60_000);
  });
});
