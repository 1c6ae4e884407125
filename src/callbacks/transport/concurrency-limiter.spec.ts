import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AttemptLimiter, MAX_CONCURRENCY, MAX_CONCURRENCY_PER_DESTINATION } from './concurrency-limiter.js';

describe('AttemptLimiter', () => {
  it('allows 8 attempts to a destination and 64 in all', () => {
    const limiter = new AttemptLimiter();
    const taken = Array.from({ length: 12 }, (_, n) => limiter.take(`d${n}`, 20));
    expect(taken).toEqual([8, 8, 8, 8, 8, 8, 8, 8, 0, 0, 0, 0]);
    limiter.free('d0', 3);
    expect(limiter.room('d9')).toBe(3);
    expect(limiter.take('d9', 2)).toBe(2);
    expect(limiter.take('d0', 9)).toBe(1);
    expect(limiter.room('d1')).toBe(0);
  });

  it('never exceeds its limits, in whatever order permits are taken and returned', () => {
    const step = fc.record({
      destination: fc.constantFrom(...Array.from({ length: 13 }, (_, n) => `d${n}`)),
      wanted: fc.integer({ min: -9, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const limiter = new AttemptLimiter();
        const held = new Map<string, number>();
        for (const { destination, wanted } of steps) {
          const has = held.get(destination) ?? 0;
          const change = wanted >= 0 ? limiter.take(destination, wanted) : -Math.min(has, -wanted);
          if (wanted < 0) limiter.free(destination, -change);
          held.set(destination, has + change);
          const all = [...held.values()].reduce((sum, count) => sum + count, 0);
          expect(held.get(destination)).toBeLessThanOrEqual(MAX_CONCURRENCY_PER_DESTINATION);
          expect(all).toBeLessThanOrEqual(MAX_CONCURRENCY);
          expect(limiter.room(destination)).toBe(
            Math.min(MAX_CONCURRENCY - all, MAX_CONCURRENCY_PER_DESTINATION - held.get(destination)!),
          );
        }
      }),
    );
  });
});
