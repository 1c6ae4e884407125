import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LeaseKeeper } from './lease-keeper.js';

const LEASE_MS = 15_000;
const RENEW_EVERY_MS = LEASE_MS / 3;

interface Lease {
  name: string;
}
const a: Lease = { name: 'a' };
const b: Lease = { name: 'b' };

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

/** A keeper on the faked clock, and what it asked to renew. `answer` says which leases are still ours. */
function keeperOf(answer: (leases: Lease[]) => Promise<Lease[]>) {
  const renewals: string[][] = [];
  const keeper = new LeaseKeeper<Lease>(LEASE_MS, (leases) => {
    renewals.push(leases.map(({ name }) => name));
    return answer(leases);
  });
  return { keeper, renewals };
}

const allOurs = (leases: Lease[]): Promise<Lease[]> => Promise.resolve(leases);

describe('LeaseKeeper', () => {
  it('counts a lease from the time it was asked for', async () => {
    const { keeper } = keeperOf(() => Promise.reject(new Error('away')));
    const askedAtMs = performance.now();
    await jest.advanceTimersByTimeAsync(1_000);
    keeper.add(a, askedAtMs);
    await jest.advanceTimersByTimeAsync(LEASE_MS - 1_001);
    expect(keeper.isSafe(a)).toBe(true);
    await jest.advanceTimersByTimeAsync(1);
    expect(keeper.isSafe(a)).toBe(false);
    keeper.remove(a);
  });

  it('does not know a lease that was never added, or was given back', () => {
    const { keeper } = keeperOf(allOurs);
    expect(keeper.isSafe(a)).toBe(false);
    keeper.add(a, performance.now());
    expect(keeper.isSafe(a)).toBe(true);
    keeper.remove(a);
    expect(keeper.isSafe(a)).toBe(false);
  });

  it('renews all leases together, three times in a lease, and keeps them for as long as it likes', async () => {
    const { keeper, renewals } = keeperOf(allOurs);
    keeper.add(a, performance.now());
    await jest.advanceTimersByTimeAsync(RENEW_EVERY_MS);
    keeper.add(b, performance.now());
    await jest.advanceTimersByTimeAsync(10 * LEASE_MS);
    expect(renewals.slice(0, 3)).toEqual([['a'], ['a', 'b'], ['a', 'b']]);
    expect(renewals).toHaveLength(31);
    expect([a, b].map((lease) => keeper.isSafe(lease))).toEqual([true, true]);
    keeper.remove(a);
    keeper.remove(b);
  });

  it('counts a renewal from the time it was asked for, not from the answer', async () => {
    const { keeper, renewals } = keeperOf(async (leases) => {
      if (renewals.length > 1) throw new Error('away');
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      return leases;
    });
    keeper.add(a, performance.now());
    await jest.advanceTimersByTimeAsync(RENEW_EVERY_MS + LEASE_MS - 1);
    expect(keeper.isSafe(a)).toBe(true);
    await jest.advanceTimersByTimeAsync(1);
    expect(keeper.isSafe(a)).toBe(false);
    keeper.remove(a);
  });

  it('knows at once when a lease has passed to somebody else, and which', async () => {
    const { keeper } = keeperOf(() => Promise.resolve([b]));
    keeper.add(a, performance.now());
    keeper.add(b, performance.now());
    await jest.advanceTimersByTimeAsync(RENEW_EVERY_MS);
    expect([a, b].map((lease) => keeper.isSafe(lease))).toEqual([false, true]);
    keeper.remove(a);
    keeper.remove(b);
  });

  it('lets leases run out while they cannot be renewed, and has them again when they can', async () => {
    let isAway = true;
    const { keeper } = keeperOf((leases) => (isAway ? Promise.reject(new Error('away')) : Promise.resolve(leases)));
    keeper.add(a, performance.now());
    await jest.advanceTimersByTimeAsync(LEASE_MS);
    expect(keeper.isSafe(a)).toBe(false);
    isAway = false;
    await jest.advanceTimersByTimeAsync(RENEW_EVERY_MS);
    expect(keeper.isSafe(a)).toBe(true);
    keeper.remove(a);
  });

  it('does not take up again a lease that was given back while it was being renewed', async () => {
    let answer = (): void => undefined;
    const { keeper } = keeperOf((leases) => new Promise((resolve) => (answer = () => resolve(leases))));
    keeper.add(a, performance.now());
    await jest.advanceTimersByTimeAsync(RENEW_EVERY_MS);
    keeper.remove(a);
    answer();
    await jest.advanceTimersByTimeAsync(0);
    expect(keeper.isSafe(a)).toBe(false);
  });

  it('asks nothing when there is nothing to keep, and begins again', async () => {
    const { keeper, renewals } = keeperOf(allOurs);
    keeper.add(a, performance.now());
    keeper.remove(a);
    await jest.advanceTimersByTimeAsync(LEASE_MS);
    expect(renewals).toEqual([]);
    keeper.add(b, performance.now());
    await jest.advanceTimersByTimeAsync(RENEW_EVERY_MS);
    expect(renewals).toEqual([['b']]);
    keeper.remove(b);
  });
});
