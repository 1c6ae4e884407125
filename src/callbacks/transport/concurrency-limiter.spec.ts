import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Target } from '../destinations/target.js';
import {
  AttemptLimiter,
  MAX_CONCURRENCY,
  MAX_CONCURRENCY_PER_DESTINATION,
  MAX_CONCURRENCY_PER_TARGET,
} from './concurrency-limiter.js';

const target = (accountId: string, destination: string): Target => ({ accountId, destination });

/** Accounts take permits for destinations of their own, in turn, until none gets any more. @returns The permits of each. */
function takeAll(limiter: AttemptLimiter, accounts: number): number[] {
  for (let turn = 0; turn < 9 * MAX_CONCURRENCY_PER_TARGET; turn++) {
    for (let a = 0; a < accounts; a++) limiter.take(target(`a${a}`, `d${a}-${turn % 9}`), 1);
  }
  return Array.from({ length: accounts }, (_, a) => limiter.inFlightOf(`a${a}`));
}

describe('AttemptLimiter', () => {
  it('allows 8 attempts to a destination of an account and 64 in all', () => {
    const limiter = new AttemptLimiter(false);
    const at = (n: number) => target('a', `d${n}`);
    const taken = Array.from({ length: 12 }, (_, n) => limiter.take(at(n), 20));
    expect(taken).toEqual([8, 8, 8, 8, 8, 8, 8, 8, 0, 0, 0, 0]);
    expect(limiter.isFull).toBe(true);
    limiter.free(at(0), 3);
    expect(limiter.room(at(9))).toBe(3);
    expect(limiter.take(at(9), 2)).toBe(2);
    expect(limiter.take(at(0), 9)).toBe(1);
    expect(limiter.room(at(1))).toBe(0);
  });

  it.each([
    [1, 56, 56],
    [2, 29, 30],
    [3, 20, 21],
    [8, 7, 8],
  ])('shares the permits of %d accounts evenly, and leaves some for another', (accounts, least, most) => {
    const limiter = new AttemptLimiter(true);
    const shares = takeAll(limiter, accounts);
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(least);
    expect(Math.max(...shares)).toBeLessThanOrEqual(most);
    expect(limiter.take(target('newcomer', 'd'), 1)).toBe(1);
  });

  it('leaves permits of a destination that several accounts call for another one', () => {
    const limiter = new AttemptLimiter(true);
    const taken = Array.from({ length: 6 }, (_, a) => limiter.take(target(`a${a}`, 'shared'), 8));
    expect(taken[0]).toBe(8);
    expect(taken.reduce((sum, count) => sum + count)).toBeLessThan(MAX_CONCURRENCY_PER_DESTINATION);
    expect(limiter.take(target('newcomer', 'shared'), 1)).toBe(1);
  });

  it('never exceeds its limits, in whatever order permits are taken and returned', () => {
    const step = fc.record({
      accountId: fc.constantFrom('a', 'b', 'c'),
      destination: fc.constantFrom(...Array.from({ length: 13 }, (_, n) => `d${n}`)),
      wanted: fc.integer({ min: -9, max: 9 }),
    });
    fc.assert(
      fc.property(fc.boolean(), fc.array(step, { maxLength: 200 }), (isShared, steps) => {
        const limiter = new AttemptLimiter(isShared);
        const held = new Map<string, number>();
        const sumOf = (isOf: (key: string) => boolean): number =>
          [...held].reduce((sum, [key, count]) => sum + (isOf(key) ? count : 0), 0);
        for (const { accountId, destination, wanted } of steps) {
          const key = `${accountId} ${destination}`;
          const has = held.get(key) ?? 0;
          const at = target(accountId, destination);
          const change = wanted >= 0 ? limiter.take(at, wanted) : -Math.min(has, -wanted);
          if (wanted < 0) limiter.free(at, -change);
          held.set(key, has + change);
          expect(held.get(key)).toBeLessThanOrEqual(MAX_CONCURRENCY_PER_TARGET);
          expect(sumOf((name) => name.endsWith(` ${destination}`))).toBeLessThanOrEqual(
            MAX_CONCURRENCY_PER_DESTINATION,
          );
          expect(limiter.inFlightOf(accountId)).toBe(sumOf((name) => name.startsWith(`${accountId} `)));
          expect(sumOf(() => true)).toBeLessThanOrEqual(MAX_CONCURRENCY);
          expect(limiter.isFull).toBe(sumOf(() => true) === MAX_CONCURRENCY);
        }
      }),
    );
  });
});
