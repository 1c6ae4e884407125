import { describe, expect, it, jest } from '@jest/globals';
import { validate, version } from 'uuid';
import { newId } from './ids.js';

describe('new ids', () => {
  it('are UUIDv7, each after the one before, and none twice', () => {
    const ids = Array.from({ length: 5_000 }, newId);
    expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('bear the time, and go on when the clock goes back', () => {
    const nowMs = Date.now() + 1_000;
    const clock = jest.spyOn(Date, 'now').mockReturnValue(nowMs);
    try {
      const first = newId();
      expect(parseInt(first.replace('-', '').slice(0, 12), 16)).toBe(nowMs);
      clock.mockReturnValue(nowMs - 60_000);
      expect(newId() > first).toBe(true);
    } finally {
      clock.mockRestore();
    }
  });

  it('differ in what cannot be guessed', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => newId().slice(-12))).size).toBe(1_000);
  });
});
