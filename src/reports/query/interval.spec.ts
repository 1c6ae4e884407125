/** Dates mean midnight in a time zone, also on days with 23 and 25 hours and where a midnight is skipped. */
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { instantsOf, intervalParams } from './interval.js';

const between = (from: string, to: string, timezone = 'UTC'): string[] => {
  const instants = instantsOf({ from, to, timezone });
  return [instants.from.toISOString(), instants.to.toISOString()];
};

describe('a date', () => {
  it.each([
    ['in UTC', '2026-01-01 2026-02-01 UTC', '2026-01-01T00:00:00.000Z 2026-02-01T00:00:00.000Z'],
    ['ahead of UTC', '2026-01-01 2026-01-02 Asia/Tokyo', '2025-12-31T15:00:00.000Z 2026-01-01T15:00:00.000Z'],
    ['with 23 hours', '2026-03-29 2026-03-30 Europe/Zurich', '2026-03-28T23:00:00.000Z 2026-03-29T22:00:00.000Z'],
    ['with 25 hours', '2026-11-01 2026-11-02 America/New_York', '2026-11-01T04:00:00.000Z 2026-11-02T05:00:00.000Z'],
    ['skipped at 0:00', '2018-11-04 2018-11-05 America/Sao_Paulo', '2018-11-04T03:00:00.000Z 2018-11-05T02:00:00.000Z'],
    ['with 23:00 twice', '2026-04-04 2026-04-05 America/Santiago', '2026-04-04T03:00:00.000Z 2026-04-05T04:00:00.000Z'],
    ['left out by its zone', '2011-12-29 2011-12-31 Pacific/Apia', '2011-12-29T10:00:00.000Z 2011-12-30T10:00:00.000Z'],
  ])('%s', (_, given, instants) => {
    const [from, to, timezone] = given.split(' ') as [string, string, string];
    expect(between(from, to, timezone)).toEqual(instants.split(' '));
  });

  it('can be mixed with an instant, whose offset counts and not the zone', () => {
    expect(between('2026-01-01', '2026-01-01T12:00:00+02:00', 'Asia/Tokyo')).toEqual([
      '2025-12-31T15:00:00.000Z',
      '2026-01-01T10:00:00.000Z',
    ]);
  });
});

it.each([
  ['from', { from: '2026-02-30' }],
  ['from', { from: '2026-1-1' }],
  ['from', { from: '2026-01-01T00:00:00' }],
  ['to', { to: 'today' }],
  ['to', { to: 1_767_225_600_000 }],
  ['timezone', { timezone: '+02:00' }],
  ['timezone', { timezone: 'Europe/Zuerich' }],
  ['timezone', { timezone: '' }],
])('refuses a wrong %s: %j', (path, given) => {
  const body = { from: '2026-01-01', to: '2026-02-01', ...given };
  expect(
    z
      .strictObject(intervalParams)
      .safeParse(body)
      .error?.issues.map((issue) => issue.path),
  ).toEqual([[path]]);
});
