import { describe, expect, it } from '@jest/globals';
import { hasUnprintable, printable, printableLines } from './printable.js';

describe('a text for a terminal', () => {
  it.each([
    ['x\u001b[2J\nroot', 'x\\u001b[2J\\u000aroot'],
    ['a\u0000b\rc\bd\u007fe', 'a\\u0000b\\u000dc\\u0008d\\u007fe'],
    ['c1: \u009b2J \u0085', 'c1: \\u009b2J \\u0085'],
    ['\u202egnp.exe\u2066', '\\u202egnp.exe\\u2066'],
    ['\u2028\u2029', '\\u2028\\u2029'],
  ])('of %j has no control characters', (text, shown) => {
    expect([hasUnprintable(text), printable(text)]).toEqual([true, shown]);
  });

  it.each(['plain', 'Übersicht – 東京 👩‍👩‍👧 نام', 'a b', '\\u001b'])('shows %j as it is', (text) => {
    expect([hasUnprintable(text), printable(text), printableLines(text)]).toEqual([false, text, text]);
  });

  it('keeps the lines of a text of several', () => {
    expect(printableLines('a\n\tb\u001b[2J\r\n')).toBe('a\n\tb\\u001b[2J\\u000d\n');
  });

  it('of JSON is the same JSON', () => {
    const value = { name: 'x\u001b\n\u009b\u202e' };
    expect(JSON.parse(printable(JSON.stringify(value)))).toEqual(value);
  });
});
