import { describe, expect, it } from '@jest/globals';
import { positional, statement } from './named-parameters.js';

describe('statement', () => {
  it('numbers named parameters by their first occurrence', () => {
    const sql = statement('move', 'UPDATE lanes SET at = :at, epoch = :lane_epoch2 WHERE name = :lane AND seen < :at');
    expect(sql).toEqual({
      name: 'move',
      text: 'UPDATE lanes SET at = $1, epoch = $2 WHERE name = $3 AND seen < $1',
      parameters: ['at', 'lane_epoch2', 'lane'],
    });
    expect(positional(sql, { lane: 'x', at: 5, lane_epoch2: null })).toEqual([5, null, 'x']);
  });

  it.each([
    ['a cast', 'SELECT now()::text::uuid[]'],
    ['a string literal', `SELECT 'a :b, it''s :c' || ':' || ''`],
    ['a quoted identifier', 'SELECT 1 AS "of :day"'],
    ['an assignment', 'f(a := 1)'],
    ['a comment', 'SELECT 1 -- as :one\n'],
    ['a slice', 'SELECT a[1:2], a[1 : n]'],
  ])('leaves %s alone', (_, text) => {
    expect(statement('same', text)).toEqual({ name: 'same', text, parameters: [] });
  });

  it('finds a parameter next to each of these', () => {
    const sql = statement('mixed', `SELECT ':a', :ids::uuid[], f(a := :a), ':b' || :b -- not :c\n, :c`);
    expect(sql.text).toBe(`SELECT ':a', $1::uuid[], f(a := $2), ':b' || $3 -- not :c\n, $4`);
    expect(positional(sql, { c: 4, b: 3, a: 2, ids: [1] })).toEqual([[1], 2, 3, 4]);
  });

  it('takes the names from fragments of literal type', () => {
    const AGE = `now() - :ageS * interval '1 second'` as const;
    const column = <const Parameter extends string>(name: Parameter) => `string_to_array(${name}, ',')` as const;
    const sql = statement('fragments', `DELETE FROM t WHERE at < ${AGE} AND id = ANY (${column(':ids')}) LIMIT :limit`);
    expect(positional(sql, { ageS: 1, ids: '2', limit: 3 })).toEqual([1, '2', 3]);
  });

  it('rejects values that do not fit the names, when types are checked', () => {
    const sql = statement('typed', 'SELECT :a, :b');
    // @ts-expect-error: b is missing
    expect(positional(sql, { a: 1 })).toEqual([1, undefined]);
    // @ts-expect-error: c is not a parameter
    expect(positional(sql, { a: 1, b: 2, c: 3 })).toEqual([1, 2]);
  });

  it('rejects a text that mixes named and positional parameters', () => {
    expect(() => statement('both', 'SELECT :a, $1')).toThrow('Statement both mixes named and positional parameters');
  });
});

describe('positional', () => {
  it('passes positional values through', () => {
    expect(positional({ name: 'plain', text: 'SELECT $1' }, [1])).toEqual([1]);
    expect(positional({ name: 'none', text: 'SELECT 1' })).toEqual([]);
  });
});
