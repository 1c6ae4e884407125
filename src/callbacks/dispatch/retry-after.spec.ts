import { describe, expect, it } from '@jest/globals';
import { matchesStatus, retryAfterMs } from './retry-after.js';

const NOW = new Date('2026-03-01T12:00:00.000Z');

describe('matchesStatus', () => {
  it.each<[number, string[], boolean]>([
    [500, ['5xx'], true],
    [599, ['5xx'], true],
    [429, ['5xx'], false],
    [429, ['5xx', '429'], true],
    [428, ['429'], false],
    [404, ['4xx'], true],
    [301, ['3xx'], true],
    [500, [], false],
  ])('%d is one of %j: %s', (status, patterns, expected) => {
    expect(matchesStatus(status, patterns)).toBe(expected);
  });
});

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    ['0', 0],
    [' 7 ', 7_000],
    ['Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
    ['Sunday, 01-Mar-26 12:00:30 GMT', 30_000],
    ['Sun Mar  1 12:00:30 2026', 30_000],
    ['Sun, 01 Mar 2026 11:59:00 GMT', 0],
    ['Sun, 31 Feb 2026 99:00:00 GMT', 0],
    ['2026-03-01T12:00:30Z', 0],
    ['-5', 0],
    ['1.5', 0],
    ['soon', 0],
    ['', 0],
  ])('%j requests a delay of %d ms', (header, ms) => {
    expect(retryAfterMs({ 'retry-after': header }, NOW)).toBe(ms);
  });

  it('may be absent, or repeated: the first one is used', () => {
    expect(retryAfterMs({}, NOW)).toBe(0);
    expect(retryAfterMs({ 'retry-after': ['3', '9'] }, NOW)).toBe(3_000);
  });

  it.each([
    ['an hour behind ours', 'Sun, 01 Mar 2026 11:00:00 GMT', 'Sun, 01 Mar 2026 11:00:30 GMT', 30_000],
    ['an hour ahead of ours', 'Sun, 01 Mar 2026 13:00:00 GMT', 'Sun, 01 Mar 2026 13:00:30 GMT', 30_000],
    ['in another form', 'Sunday, 01-Mar-26 13:00:00 GMT', 'Sun Mar  1 13:00:30 2026', 30_000],
    ['after the date that it asks for', 'Sun, 01 Mar 2026 13:00:00 GMT', 'Sun, 01 Mar 2026 12:00:30 GMT', 0],
    ['that is no date', 'today', 'Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
    ['that is absent', undefined, 'Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
    ['and seconds', 'Sun, 01 Mar 2026 13:00:00 GMT', '7', 7_000],
  ])('of a receiver with a clock %s', (_, date, header, ms) => {
    expect(retryAfterMs({ date, 'retry-after': header }, NOW)).toBe(ms);
  });
});
