import { describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { firstIdAt, timeOfId } from './id-time.js';

describe('the time in an id', () => {
  it('is when it was given', () => {
    const before = Date.now();
    const time = timeOfId(uuidv7())!.getTime();
    expect([before <= time, time <= Date.now()]).toEqual([true, true]);
    // The example of RFC 9562, A.6.
    expect(timeOfId('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')).toEqual(new Date('2022-02-22T19:22:22.000Z'));
  });

  it('is only in a UUIDv7', () => {
    for (const id of ['', 'x', '017f22e2-79b0-4cc3-98c4-dc0c0c07398f', '017f22e2-79b0-7cc3-18c4-dc0c0c07398f'])
      expect(timeOfId(id)).toBeNull();
  });

  it('divides the ids of one millisecond from those of the next', () => {
    const msecs = Date.UTC(2026, 0, 1);
    const first = firstIdAt(new Date(msecs));
    expect(first <= uuidv7({ msecs })).toBe(true);
    expect(uuidv7({ msecs: msecs - 1, seq: 0xffffffff }) < first).toBe(true);
    expect(timeOfId(first)).toEqual(new Date(msecs));
  });
});
