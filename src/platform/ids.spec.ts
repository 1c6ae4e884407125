import { describe, expect, it, jest } from '@jest/globals';
import { v7 as uuidv7, validate, version } from 'uuid';
import { firstIdAt, newId, timeOfId } from './ids.js';

describe('newId', () => {
  it('returns UUIDv7s in ascending order without repetition', () => {
    const ids = Array.from({ length: 5_000 }, newId);
    expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('contains the time and keeps ascending when the clock is set back', () => {
    const nowMs = Date.now() + 1_000;
    const clock = jest.spyOn(Date, 'now').mockReturnValue(nowMs);
    try {
      const first = newId();
      expect(timeOfId(first)).toEqual(new Date(nowMs));
      clock.mockReturnValue(nowMs - 60_000);
      const later = Array.from({ length: 5_000 }, newId);
      expect([first, ...later].toSorted()).toEqual([first, ...later]);
    } finally {
      clock.mockRestore();
    }
  });

  it('has a random part that differs from id to id', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => newId().slice(-12))).size).toBe(1_000);
  });
});

describe('timeOfId', () => {
  it('returns the time at which the id was generated', () => {
    const msecs = Date.UTC(2026, 0, 1);
    expect(timeOfId(uuidv7({ msecs }))).toEqual(new Date(msecs));
    // The example of RFC 9562, A.6.
    expect(timeOfId('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')).toEqual(new Date('2022-02-22T19:22:22.000Z'));
  });

  it('returns null for anything but a UUIDv7', () => {
    for (const id of ['', 'x', '017f22e2-79b0-4cc3-98c4-dc0c0c07398f', '017f22e2-79b0-7cc3-18c4-dc0c0c07398f'])
      expect(timeOfId(id)).toBeNull();
  });
});

describe('firstIdAt', () => {
  it('separates the ids of a millisecond from those of the one before', () => {
    const msecs = Date.UTC(2026, 0, 1);
    const first = firstIdAt(new Date(msecs));
    expect(first <= uuidv7({ msecs })).toBe(true);
    expect(uuidv7({ msecs: msecs - 1, seq: 0xffffffff }) < first).toBe(true);
    expect(timeOfId(first)).toEqual(new Date(msecs));
  });
});
