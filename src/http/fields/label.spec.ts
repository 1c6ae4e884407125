import { describe, expect, it } from '@jest/globals';
import { label } from './label.js';

const messages = (text: string): string[] | undefined =>
  label(200)
    .safeParse(text)
    .error?.issues.map(({ message }) => message);

describe('label', () => {
  it.each([
    ['a zero-width space', '\u200b'],
    ['a word joiner', '\u2060'],
    ['a soft hyphen', '\u00ad'],
    ['joiners and byte order marks between spaces', '\u200d \ufeff\u00a0\u200c'],
    ['a combining mark', '\u0301\u20dd'],
    ['a Hangul filler', '\u3164\u115f'],
    ['a Braille blank', '\u2800'],
    ['a variation selector', '\ufe0f'],
    ['an invisible separator', '\u2063'],
    ['a Mongolian vowel separator', '\u180e'],
    ['a tag', '\u{e0041}'],
  ])('refuses %s alone', (_, text) => expect(messages(text)).toEqual(['must have a visible character']));

  it.each([
    ['an override of the writing direction', '\u202eabc'],
    ['an isolate of the writing direction', 'a\u2066b'],
    ['a line separator', 'a\u2028b'],
    ['an escape', 'a\u001b[2J'],
  ])('refuses %s', (_, text) => expect(messages(text)).toContain('must not have control characters or line breaks'));

  it.each(['', ' ', '\ufeff', '\u3000'])('refuses %j as too short', (text) => expect(messages(text)).toHaveLength(1));

  it.each([
    'a',
    '0',
    '-',
    '日本',
    'e\u0301',
    'नि',
    '\u0646\u0645\u06cc\u200c\u062e',
    '👩\u200d🚀',
    '❤\ufe0f',
    '½',
    '\ue000',
    '"',
  ])('accepts %j', (text) => expect(label(200).parse(` ${text} `)).toBe(text));
});
