import { describe, expect, it } from '@jest/globals';
import { AttemptLimiter } from '../transport/concurrency-limiter.js';
import { type Candidate, sharePermits } from './permit-shares.js';
import { RoundRobin } from './round-robin.js';

const candidates = (accountId: string, count: number, wanted = 8): Candidate[] =>
  Array.from({ length: count }, (_, n) => ({ accountId, destination: `${accountId}${n}`, wanted }));

/** @returns The permits by destination. */
const shared = (all: Candidate[], limiter = new AttemptLimiter(true)): Record<string, number> =>
  Object.fromEntries([...sharePermits(all, limiter)].map(([{ destination }, permits]) => [destination, permits]));

describe('sharePermits', () => {
  it('gives a destination alone its 8, and several the same number each', () => {
    expect(shared(candidates('a', 1))).toEqual({ a0: 8 });
    expect(new Set(Object.values(shared(candidates('a', 14)))).size).toBe(1);
  });

  it('gives a probe one permit', () => {
    expect(shared([...candidates('a', 1, 1), ...candidates('b', 1)])).toEqual({ a0: 1, b0: 8 });
  });

  it('gives the last permits to the accounts with the fewest in flight', () => {
    const limiter = new AttemptLimiter(true);
    sharePermits(candidates('a', 300), limiter);
    expect(limiter.inFlightOf('a')).toBe(56);
    expect(shared([...candidates('a', 300), ...candidates('b', 1), ...candidates('c', 1)], limiter)).toEqual({
      b0: expect.any(Number),
      c0: expect.any(Number),
    });
    expect(limiter.inFlightOf('b')).toBeGreaterThanOrEqual(3);
    expect(limiter.inFlightOf('c')).toBeGreaterThanOrEqual(3);
  });

  it('does not look through all candidates when no permit is left', () => {
    const limiter = new AttemptLimiter(false);
    sharePermits(candidates('a', 100), limiter);
    expect(limiter.isFull).toBe(true);
    expect(shared(candidates('b', 100), limiter)).toEqual({});
  });
});

describe('RoundRobin', () => {
  const names = (all: Candidate[], roundRobin: RoundRobin): string[] =>
    roundRobin.order(all).map(({ destination }) => destination);

  it('continue after the account and the destination that were served last', () => {
    const roundRobin = new RoundRobin();
    const all = [...candidates('a', 2), ...candidates('b', 3)];
    expect(names(all, roundRobin)).toEqual(['a0', 'a1', 'b0', 'b1', 'b2']);
    roundRobin.served(all[0]!);
    expect(names(all, roundRobin)).toEqual(['b0', 'b1', 'b2', 'a1', 'a0']);
    roundRobin.served(all[3]!);
    expect(names(all, roundRobin)).toEqual(['a1', 'a0', 'b2', 'b0', 'b1']);
    expect(names(all.slice(2), roundRobin)).toEqual(['b2', 'b0', 'b1']);
    // Nothing was due for the account, so its place is forgotten.
    expect(names(all, roundRobin)).toEqual(['a0', 'a1', 'b2', 'b0', 'b1']);
  });
});
