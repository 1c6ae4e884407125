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

/** A keeper on the faked clock, and the renewals that it requested. `answer` returns the leases that are still held. */
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
  it('measures a lease from the time of its request', async () => {
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

  it('does not consider a lease safe that was never added or was released', () => {
    const { keeper } = keeperOf(allOurs);
    expect(keeper.isSafe(a)).toBe(false);
    keeper.add(a, performance.now());
    expect(keeper.isSafe(a)).toBe(true);
    keeper.remove(a);
    expect(keeper.isSafe(a)).toBe(false);
  });

  it('renews all leases together, three times per lease duration, without a limit', async () => {
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

  it('measures a renewal from the time of its request, not from its answer', async () => {
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

  it('detects which lease another worker has taken as soon as the renewal is answered', async () => {
    const { keeper } = keeperOf(() => Promise.resolve([b]));
    keeper.add(a, performance.now());
    keeper.add(b, performance.now());
    await jest.advanceTimersByTimeAsync(RENEW_EVERY_MS);
    expect([a, b].map((lease) => keeper.isSafe(lease))).toEqual([false, true]);
    keeper.remove(a);
    keeper.remove(b);
  });

  it('lets leases run out while renewals fail, and keeps them again when renewals succeed', async () => {
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

  it('does not keep a lease that was released during its renewal', async () => {
    let answer = (): void => undefined;
    const { keeper } = keeperOf((leases) => new Promise((resolve) => (answer = () => resolve(leases))));
    keeper.add(a, performance.now());
    await jest.advanceTimersByTimeAsync(RENEW_EVERY_MS);
    keeper.remove(a);
    answer();
    await jest.advanceTimersByTimeAsync(0);
    expect(keeper.isSafe(a)).toBe(false);
  });

  it('requests no renewal while there is no lease, and starts again with the next one', async () => {
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
