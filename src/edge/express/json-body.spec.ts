import { describe, expect, it } from '@jest/globals';
import { HttpException } from '@nestjs/common';
import { bodyError } from './json-body.js';

/** An error as Express' body parser throws it. */
const parserError = (type: string, status: number, more: object = {}): Error =>
  Object.assign(new SyntaxError(`parser says ${type}`), { type, status, ...more });

describe('bodyError', () => {
  it.each<[string, number, object, number, string]>([
    ['entity.parse.failed', 400, { body: 'secret' }, 400, 'The body is not valid JSON'],
    ['entity.too.large', 413, { limit: 262_144 }, 413, 'The body is over the limit of 262144 bytes'],
    ['encoding.unsupported', 415, {}, 415, 'parser says encoding.unsupported'],
    ['charset.unsupported', 415, {}, 415, 'parser says charset.unsupported'],
    ['request.size.invalid', 400, {}, 400, 'parser says request.size.invalid'],
  ])('translates %s to an HTTP exception', (type, thrown, more, status, message) => {
    const error = bodyError(parserError(type, thrown, more)) as HttpException;
    expect(error).toBeInstanceOf(HttpException);
    expect([error.getStatus(), error.message]).toEqual([status, message]);
  });

  it('reports a body that is not compressed as declared', () => {
    const error = bodyError(Object.assign(new Error('incorrect header check'), { status: 400, errno: -3 }));
    expect((error as HttpException).getStatus()).toBe(400);
  });

  it.each([
    parserError('stream.not.readable', 500),
    Object.assign(new Error('/etc/passwd'), { code: 'ENOENT' }),
    Object.assign(new Error('other service'), { status: 404 }),
    'a string',
    undefined,
  ])('returns other errors unchanged: %s', (error) => {
    expect(bodyError(error)).toBe(error);
  });
});
