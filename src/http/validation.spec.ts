import type { ArgumentMetadata } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { InvalidInput, type Issue, ValidationPipe } from './validation.js';

const pipe = new ValidationPipe();

/** Parses and validates a body. */
const validate = (json: string, schema: z.ZodType = z.unknown()): Promise<unknown> =>
  pipe.transform(JSON.parse(json) as unknown, { type: 'body', schema });

async function rejection(promise: Promise<unknown>): Promise<InvalidInput> {
  const outcome = await promise.catch((error: unknown) => error);
  if (outcome instanceof InvalidInput) return outcome;
  throw new Error(`Not rejected as invalid: ${String(outcome)}`);
}
const issuesOf = async (json: string, schema?: z.ZodType): Promise<Issue[]> =>
  (await rejection(validate(json, schema))).issues;

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('ValidationPipe', () => {
  it('returns the output of the schema', async () => {
    const schema = z.object({ limit: z.coerce.number().default(50), name: z.string().trim() });
    expect(await validate('{"name":" x "}', schema)).toEqual({ limit: 50, name: 'x' });
  });

  it('passes a parameter without a schema unchanged', async () => {
    const value = { a: '\0' };
    expect(await pipe.transform(value, { type: 'custom' })).toBe(value);
  });

  it('supports asynchronous schemas', async () => {
    const schema = z.string().refine((text) => Promise.resolve(text === 'good'), 'must be good');
    expect(await validate('"good"', schema)).toBe('good');
    expect(await issuesOf('"bad"', schema)).toEqual([{ path: '', message: 'must be good' }]);
  });

  it('reports the path of every issue', async () => {
    const schema = z.strictObject({ rows: z.array(z.object({ n: z.int() })), name: z.string() });
    const issues = await issuesOf('{"rows":[{"n":1},{"n":"x"}],"other":1}', schema);
    expect(issues.map(({ path }) => path).toSorted()).toEqual(['', 'name', 'rows.1.n']);
    expect(issues.every(({ message }) => message.length > 0)).toBe(true);
  });

  it('reports at most 50 issues', async () => {
    expect(await issuesOf(JSON.stringify(Array(200).fill('x')), z.array(z.int()))).toHaveLength(50);
    expect(await issuesOf(JSON.stringify(Array(200).fill('\0')))).toHaveLength(50);
  });

  it.each<[ArgumentMetadata['type'], string]>([
    ['body', 'body'],
    ['query', 'query'],
    ['param', 'path'],
    ['custom', 'request'],
  ])('names a %s parameter as the %s', async (type, where) => {
    const error = await rejection(pipe.transform('x', { type, schema: z.int() }));
    expect([error.where, error.message]).toEqual([where, `The ${where} is not valid`]);
  });

  it('does not check the structure of path parameters', async () => {
    expect(await pipe.transform('\0', { type: 'param', data: 'id', schema: z.string() })).toBe('\0');
  });

  it('reports the name of a path parameter', async () => {
    const error = await rejection(pipe.transform('x', { type: 'param', data: 'id', schema: z.uuid() }));
    expect(error.issues).toEqual([{ path: 'id', message: expect.any(String) }]);
  });
});

describe('checkStructure', () => {
  const NUL = 'must not contain NUL characters';
  const SURROGATE = 'must be Unicode text, without lone surrogates';
  const KEY = 'has a field name that is not text';
  const NAME = 'is not an allowed field name';

  it.each<[string, string, string]>([
    ['"\\u0000"', '', NUL],
    ['{"a":"x\\u0000y"}', 'a', NUL],
    ['{"a":[1,{"b":"\\u0000"}]}', 'a.1.b', NUL],
    ['{"a":"\\ud800"}', 'a', SURROGATE],
    ['{"a":"\\udc00\\ud800"}', 'a', SURROGATE],
    ['{"a":"x\\udfff"}', 'a', SURROGATE],
    ['{"a":{"\\u0000":1}}', 'a', KEY],
    ['{"a":{"\\ud800":1}}', 'a', KEY],
    ['{"__proto__":{"isAdmin":true}}', '__proto__', NAME],
    ['{"a":{"constructor":1}}', 'a.constructor', NAME],
    ['[{"prototype":1}]', '0.prototype', NAME],
  ])('rejects %s at "%s": %s', async (json, path, message) => {
    expect(await issuesOf(json)).toEqual([{ path, message }]);
  });

  it('names a missing field as required', async () => {
    const schema = z.object({ a: z.string(), b: z.array(z.int()) });
    expect(await issuesOf('{"b":["1"]}', schema)).toEqual([
      { path: 'a', message: 'is required' },
      { path: 'b.0', message: 'Invalid input: expected number, received string' },
    ]);
  });

  it('runs before the schema', async () => {
    expect(await issuesOf('{"a":"\\u0000"}', z.object({ a: z.int() }))).toEqual([{ path: 'a', message: NUL }]);
  });

  it('reports every issue at once', async () => {
    const issues = await issuesOf('{"a":"\\u0000","b":{"__proto__":1},"c":"\\ud800\\u0000"}');
    expect(issues.map(({ path }) => path)).toEqual(['a', 'b.__proto__', 'c', 'c']);
  });

  it('accepts surrogate pairs', async () => {
    expect(await validate('"\\ud83d\\ude00 \\uffff ✓"')).toBe('😀 \uffff ✓');
  });

  it('accepts 32 levels and rejects more', async () => {
    expect(await validate(nested(32))).toEqual(JSON.parse(nested(32)));
    for (const depth of [33, 100_000]) {
      const [issue, ...rest] = await issuesOf(nested(depth));
      expect(issue!.message).toBe('must not be nested more than 32 deep');
      expect(issue!.path.split('.')).toHaveLength(32);
      expect(rest).toEqual([]);
    }
  });

  it('passes all other JSON unchanged', async () => {
    const text = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0'));
    const key = text.filter((name) => !['__proto__', 'constructor', 'prototype'].includes(name));
    const leaf = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null));
    const body = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 5 }, leaf, fc.array(tie('value')), fc.dictionary(key, tie('value'))),
    })).value;
    await fc.assert(
      fc.asyncProperty(body, async (value) => {
        const json = JSON.stringify(value);
        expect(JSON.stringify(await validate(json))).toBe(json);
      }),
    );
  });
});
