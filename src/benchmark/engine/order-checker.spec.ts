import { describe, expect, it } from '@jest/globals';
import { type Accepted, checkOrder } from './order-checker.js';

/** Requests at the given positions, each acknowledged before the next is sent. */
const oneByOne = (...positions: number[]): Accepted[] =>
  positions.map((queuePosition, index) => ({
    requestId: String(queuePosition),
    queuePosition,
    sentMs: index * 10,
    acknowledgedMs: index * 10 + 5,
  }));
const called = (...positions: number[]) =>
  positions.map((queuePosition, index) => ({ requestId: String(queuePosition), queuePosition, atMs: index }));

const NONE = { fifoInversions: 0, duplicates: 0, lost: 0 };

describe('checkOrder', () => {
  it('accepts a history in order', () => {
    expect(checkOrder(oneByOne(1, 2, 3), called(1, 2, 3))).toEqual(NONE);
    expect(checkOrder([], [])).toEqual(NONE);
  });

  it('counts callbacks after one with a higher position', () => {
    expect(checkOrder(oneByOne(1, 2, 3, 4), called(1, 3, 2, 4))).toEqual({ ...NONE, fifoInversions: 1 });
    expect(checkOrder(oneByOne(1, 2, 3, 4), called(4, 3, 2, 1))).toEqual({ ...NONE, fifoInversions: 3 });
  });

  it('counts repeated callbacks, but not as inversions', () => {
    expect(checkOrder(oneByOne(1, 2, 3), called(1, 2, 1, 3, 3))).toEqual({ ...NONE, duplicates: 2 });
  });

  it('counts repeated positions', () => {
    const accepted = oneByOne(1, 2);
    const again = { ...accepted[1]!, requestId: 'other', sentMs: 20, acknowledgedMs: 25 };
    const arrivals = [...called(1, 2), { requestId: 'other', queuePosition: 2, atMs: 3 }];
    expect(checkOrder([...accepted, again], arrivals)).toEqual({ ...NONE, duplicates: 1 });
  });

  it('counts acknowledged requests without a callback', () => {
    expect(checkOrder(oneByOne(1, 2, 3), called(1, 3))).toEqual({ ...NONE, lost: 1 });
    expect(checkOrder(oneByOne(1, 2, 3), called(1, 1, 1))).toEqual({ ...NONE, duplicates: 2, lost: 2 });
  });

  it('counts a position below one that was acknowledged before the request was sent', () => {
    expect(checkOrder(oneByOne(2, 1, 3), called(1, 2, 3))).toEqual({ ...NONE, fifoInversions: 1 });
  });

  it('accepts overlapping requests in either order', () => {
    const together = oneByOne(2, 1, 3);
    for (const request of together) request.acknowledgedMs = 100;
    expect(checkOrder(together, called(1, 2, 3))).toEqual(NONE);
  });
});
