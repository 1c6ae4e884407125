import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pacedPage } from './redelivery-pace.js';

const page = (destinations: string) =>
  destinations.split('').map((destination, index) => ({ id: String(index), destination }));
const times = (destinations: string, next: Record<string, number> = {}) =>
  pacedPage(page(destinations), new Map(Object.entries(next)), 100, 300).scheduled.map(({ inMs }) => inMs);

describe('a page of redeliveries', () => {
  it('is spread evenly over time, for each destination alone', () => {
    expect(times('aaa')).toEqual([0, 100, 200]);
    expect(times('aabab')).toEqual([0, 100, 0, 200, 100]);
  });

  it('continues after the redeliveries that were scheduled before', () => {
    expect(times('aab', { a: 150, b: -1_000 })).toEqual([150, 250, 0]);
  });

  it('ends at the first callback that is due after the horizon, whatever follows it', () => {
    expect(times('aaaaaab')).toEqual([0, 100, 200, 300]);
    const { nextInMs, blockedInMs } = pacedPage(page('baaaaaab'), new Map(), 100, 300);
    expect([[...nextInMs], blockedInMs]).toEqual([
      [
        ['b', 100],
        ['a', 400],
      ],
      400,
    ]);
  });

  it('is due at once without a limit', () => {
    const { scheduled, blockedInMs } = pacedPage(page('aaaa'), new Map(), 0, 300);
    expect([scheduled.every(({ inMs }) => inMs === 0), blockedInMs]).toEqual([true, null]);
  });

  it('never exceeds the rate of a destination, however it is cut into pages', () => {
    const cuts = fc.array(
      fc.record({
        waitMs: fc.integer({ min: 0, max: 500 }),
        to: fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 20 }),
      }),
    );
    fc.assert(
      fc.property(cuts, (pages) => {
        const sent = new Map<string, number[]>();
        const nextAt = new Map<string, number>();
        let nowMs = 0;
        for (const { waitMs, to } of pages) {
          nowMs += waitMs;
          const next = new Map([...nextAt].map(([destination, atMs]) => [destination, atMs - nowMs]));
          const { scheduled, nextInMs } = pacedPage(page(to), next, 100, 300);
          for (const { destination, inMs } of scheduled)
            sent.set(destination, [...(sent.get(destination) ?? []), nowMs + inMs]);
          for (const [destination, inMs] of nextInMs) nextAt.set(destination, nowMs + inMs);
        }
        for (const atMs of sent.values()) {
          for (let index = 1; index < atMs.length; index++)
            expect(atMs[index]! - atMs[index - 1]!).toBeGreaterThanOrEqual(100);
        }
      }),
    );
  });
});
