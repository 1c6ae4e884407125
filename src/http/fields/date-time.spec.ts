import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { dateTime } from './date-time.js';

describe('dateTime', () => {
  it.each([
    ['2026-11-30T07:00:00Z', '2026-11-30T07:00:00.000Z'],
    ['2026-11-30T07:00:00+00:00', '2026-11-30T07:00:00.000Z'],
    ['2026-11-30T07:00:00-00:00', '2026-11-30T07:00:00.000Z'],
    ['2026-11-30T07:00:00+0000', '2026-11-30T07:00:00.000Z'],
    ['2026-11-30T07:00:00+05:45', '2026-11-30T01:15:00.000Z'],
    ['2026-11-30T07:00:00-23:59', '2026-12-01T06:59:00.000Z'],
    ['2026-11-30t07:00:00z', '2026-11-30T07:00:00.000Z'],
    ['2026-11-30T07:00:00.1Z', '2026-11-30T07:00:00.100Z'],
    ['2026-11-30T07:00:00.123456+00:00', '2026-11-30T07:00:00.123Z'],
    ['2026-11-30T07:00:00.999999999Z', '2026-11-30T07:00:00.999Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2000-02-29T23:59:59Z', '2000-02-29T23:59:59.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('accepts %s', (text, expected) => expect(dateTime.parse(text).toISOString()).toBe(expected));

  it.each(
    `2026-02-30T00:00:00Z 2026-02-29T00:00:00Z 1900-02-29T00:00:00Z 2026-04-31T00:00:00Z 2026-13-01T00:00:00Z
    2026-00-01T00:00:00Z 2026-01-00T00:00:00Z 2026-01-01T24:00:00Z 2026-01-01T00:60:00Z 2026-01-01T00:00:60Z
    2026-01-01T00:00Z 2026-01-01 2026-01-01T00:00:00 2026-01-01T00:00:00+24:00 2026-01-01T00:00:00+00:60
    2026-01-01T00:00:00+00 2026-01-01T00:00:00.Z 2026-01-01T00:00:00.1234567890Z 2026-01-01T00:00:00,5Z
    20260101T000000Z 26-01-01T00:00:00Z +002026-01-01T00:00:00Z 0000-01-01T00:00:00Z 0001-01-01T00:00:00+14:00
    9999-12-31T23:59:59-14:00 2026-1-1T00:00:00Z now 1767225600 2026-01-01T00:00:00ZZ`.split(/\s+/),
  )('refuses %s', (text) => {
    const { error } = dateTime.safeParse(text);
    expect(error?.issues).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/^must be a date and time with an offset, such as/) }),
    ]);
    expect(error?.issues[0]?.message).not.toContain('%2B');
  });

  it('says how to encode a + that arrived as a space', () => {
    for (const text of ['2026-11-30T07:00:00 00:00', '2026-11-30T07:00:00.5 0530'])
      expect(dateTime.safeParse(text).error?.issues[0]?.message).toMatch(/; in a URL, write \+ as %2B$/);
  });

  it('is a date-time in JSON Schema', () => {
    expect(z.toJSONSchema(dateTime.describe('Then'), { io: 'input' })).toMatchObject({
      type: 'string',
      format: 'date-time',
      description: 'Then',
    });
  });
});
