import { describe, expect, it } from '@jest/globals';
import { BadRequestException } from '@nestjs/common';
import fc from 'fast-check';
import { InvalidInput } from '../../http/validation.js';
import { parseJson } from './json-bytes.js';

const bytes = (text: string): Buffer => Buffer.from(text);

/** Returns the error that the bytes are refused with. */
function refusal(body: Buffer): unknown {
  try {
    parseJson(body);
  } catch (error) {
    return error;
  }
  throw new Error('The body was accepted');
}

describe('parseJson', () => {
  it('parses any JSON object or array like JSON.parse', () => {
    const containers = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()));
    fc.assert(
      fc.property(containers, (value) => {
        const text = JSON.stringify(value);
        expect(parseJson(bytes(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('returns undefined for no bytes, and ignores a byte order mark', () => {
    expect(parseJson(bytes(''))).toBeUndefined();
    expect(parseJson(bytes('\ufeff{"a":1}'))).toEqual({ a: 1 });
  });

  it.each(['{', ' ', '{"a":}', 'null', '"text"', '5', '{"a":1}{}', '{"a":"\\', '"', ']]', '[}'])(
    'refuses %j',
    (text) => {
      expect(refusal(bytes(text))).toEqual(new BadRequestException('The body is not valid JSON'));
    },
  );

  it('refuses bytes that are not UTF-8', () => {
    expect(refusal(Buffer.from('{"a": "caf\xe9"}', 'latin1'))).toBeInstanceOf(BadRequestException);
  });

  it.each([
    ['[', ']'],
    ['{"a":', '}'],
  ])('accepts 32 levels of %s and names the value at the 33rd', (open, close) => {
    const nested = (depth: number) => bytes(`${open.repeat(depth)}${open === '[' ? '' : '1'}${close.repeat(depth)}`);
    expect(parseJson(nested(32))).toBeDefined();
    const path = Array(32)
      .fill(open === '[' ? '0' : 'a')
      .join('.');
    const issues = [{ path, message: 'must not be nested more than 32 deep' }];
    expect(refusal(nested(33))).toEqual(new InvalidInput('body', issues));
    expect(refusal(bytes(open.repeat(500_000)))).toMatchObject({ issues });
  });

  it('does not count brackets in strings', () => {
    const text = JSON.stringify({ a: '[{'.repeat(100), '"\\[': '\\"[['.repeat(50) });
    expect(parseJson(bytes(text))).toEqual(JSON.parse(text));
  });
});
