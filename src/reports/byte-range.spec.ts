import { describe, expect, it } from '@jest/globals';
import { byteRange } from './byte-range.js';

describe('byteRange', () => {
  it.each([
    ['bytes=0-3', 0, 3],
    ['bytes=0-0', 0, 0],
    ['bytes=9-9', 9, 9],
    ['bytes=7-', 7, 9],
    ['bytes=8-100', 8, 9],
    ['bytes=-2', 8, 9],
    ['bytes=-10', 0, 9],
    ['bytes=-100', 0, 9],
    ['Bytes= 1-2 ', 1, 2],
  ])('reads %s of ten bytes', (header, start, end) => {
    expect(byteRange(header, 10)).toEqual({ start, end });
  });

  it.each(['bytes=10-', 'bytes=10-10', 'bytes=99-100', 'bytes=-0', `bytes=${'9'.repeat(400)}-`])(
    'cannot satisfy %s of ten bytes',
    (header) => {
      expect(byteRange(header, 10)).toBe('unsatisfiable');
    },
  );

  it('cannot satisfy any range of an empty file', () => {
    expect([byteRange('bytes=0-', 0), byteRange('bytes=-1', 0)]).toEqual(['unsatisfiable', 'unsatisfiable']);
  });

  it.each([
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=x',
    'bytes=5-2',
    'bytes=0-1,4-5',
    'lines=0-1',
    'bytes=1.5-2',
    'bytes=-1-2',
  ])('ignores %j', (header) => {
    expect(byteRange(header, 10)).toBeNull();
  });
});
