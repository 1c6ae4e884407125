import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SLOTS, SLOTS_PER_DESTINATION, Slots } from './slots.js';

describe('Slots', () => {
  it('gives 8 to a destination and 64 in all', () => {
    const slots = new Slots();
    const taken = Array.from({ length: 12 }, (_, n) => slots.take(`d${n}`, 20));
    expect(taken).toEqual([8, 8, 8, 8, 8, 8, 8, 8, 0, 0, 0, 0]);
    slots.free('d0', 3);
    expect(slots.room('d9')).toBe(3);
    expect(slots.take('d9', 2)).toBe(2);
    expect(slots.take('d0', 9)).toBe(1);
    expect(slots.room('d1')).toBe(0);
  });

  it('never gives more, whoever takes and gives back in whatever order', () => {
    const step = fc.record({
      destination: fc.constantFrom(...Array.from({ length: 13 }, (_, n) => `d${n}`)),
      wanted: fc.integer({ min: -9, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const slots = new Slots();
        const held = new Map<string, number>();
        for (const { destination, wanted } of steps) {
          const has = held.get(destination) ?? 0;
          const change = wanted >= 0 ? slots.take(destination, wanted) : -Math.min(has, -wanted);
          if (wanted < 0) slots.free(destination, -change);
          held.set(destination, has + change);
          const all = [...held.values()].reduce((sum, count) => sum + count, 0);
          expect(held.get(destination)).toBeLessThanOrEqual(SLOTS_PER_DESTINATION);
          expect(all).toBeLessThanOrEqual(SLOTS);
          expect(slots.room(destination)).toBe(Math.min(SLOTS - all, SLOTS_PER_DESTINATION - held.get(destination)!));
        }
      }),
    );
  });
});
