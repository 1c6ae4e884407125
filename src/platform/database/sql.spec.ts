import { describe, expect, it } from '@jest/globals';
import { joined, Sql, sql } from './sql.js';

describe('sql', () => {
  it('escapes every value', () => {
    const { text } = sql`SELECT ${"it's"}, ${'a\\b'}, ${1}, ${-2}, ${true}, ${null}, ${new Date(0)}`;
    expect(text).toBe(`SELECT 'it''s',  E'a\\\\b', (1), (-2), true, NULL, '1970-01-01T00:00:00.000Z'::timestamptz`);
  });

  it('puts other pieces in as they are', () => {
    const where = sql`name = ${'x'}`;
    expect(sql`SELECT 1 WHERE ${where} AND true`.text).toBe(`SELECT 1 WHERE name = 'x' AND true`);
    expect(joined([sql`a`, new Sql('b')], ', ').text).toBe('a, b');
  });

  it('refuses numbers that are none', () => {
    expect(() => sql`SELECT ${Number.NaN}`).toThrow(TypeError);
  });
});
