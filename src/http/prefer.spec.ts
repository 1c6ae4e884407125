import { describe, expect, it } from '@jest/globals';
import { preferenceOf } from './prefer.js';

describe('preferenceOf', () => {
  it.each([undefined, '', 'return=minimal', 'wait', 'wait=', 'wait=soon', 'wait=-1', 'wait=1.5', 'waits=5', 'wait=5s'])(
    'waits 30 s without a supported preference: %s',
    (header) => {
      expect(preferenceOf(header)).toEqual({ waitMs: 30_000, applied: null });
    },
  );

  it.each<[string, number, string]>([
    ['wait=5', 5_000, 'wait=5'],
    ['wait=0', 0, 'wait=0'],
    ['wait=60', 60_000, 'wait=60'],
    ['Wait = 7', 7_000, 'wait=7'],
    ['wait="8"', 8_000, 'wait=8'],
    ['return=minimal, wait=9; why="because"', 9_000, 'wait=9'],
    ['wait=10, wait=20', 10_000, 'wait=10'],
    ['wait=soon, wait=3', 3_000, 'wait=3'],
  ])('reads %s', (header, waitMs, applied) => {
    expect(preferenceOf(header)).toEqual({ waitMs, applied });
  });

  it.each(['wait=61', 'wait=999999999'])('caps the wait at 60 s and reports it: %s', (header) => {
    expect(preferenceOf(header)).toEqual({ waitMs: 60_000, applied: 'wait=60' });
  });

  it.each(['respond-async', 'Respond-Async', 'return=minimal,respond-async', 'respond-async; foo=bar'])(
    'does not wait for %s',
    (header) => {
      expect(preferenceOf(header)).toEqual({ waitMs: 0, applied: 'respond-async' });
    },
  );

  it.each(['wait=10, respond-async', 'respond-async, wait=10'])(
    'waits N seconds before it responds, with both: %s',
    (header) => {
      expect(preferenceOf(header)).toEqual({ waitMs: 10_000, applied: 'respond-async, wait=10' });
    },
  );
});
