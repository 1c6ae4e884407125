import { isUtf8 } from 'node:buffer';
import { BadRequestException } from '@nestjs/common';
import { MAX_DEPTH, checkStructure } from '../../http/validation.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const BOM = Buffer.from('\ufeff');

const malformed = () => new BadRequestException('The body is not valid JSON');

/**
 * Parses a JSON object or array. The nesting is judged on the bytes, because `JSON.parse` would build every level first.
 * @returns The value, or undefined for no bytes.
 * @throws BadRequestException for bytes that are not JSON in UTF-8 (RFC 8259, section 8.1); InvalidInput over 32 levels.
 */
export function parseJson(given: Buffer): unknown {
  if (given.length === 0) return undefined;
  if (!isUtf8(given)) throw malformed();
  const bytes = given.subarray(0, BOM.length).equals(BOM) ? given.subarray(BOM.length) : given;
  const deep = tooDeep(bytes);
  // The deepest allowed prefix, closed: validation reports it with the path of the value that is too deep.
  if (deep) checkStructure(parse(`${bytes.toString('utf8', 0, deep.offset)}[]${deep.closers}`), 'body');
  const value = parse(bytes.toString('utf8'));
  if (typeof value !== 'object' || value === null) throw malformed();
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed();
  }
}

/** @returns The offset of the first value over the limit and the brackets that close its parents; null without one. */
function tooDeep(bytes: Buffer): { offset: number; closers: string } | null {
  const open: number[] = [];
  for (let offset = 0; offset < bytes.length; offset++) {
    const byte = bytes[offset]!;
    if (byte === QUOTE) {
      offset = endOfString(bytes, offset);
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (open.length === MAX_DEPTH) return { offset, closers: closersOf(open) };
      open.push(byte);
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      open.pop();
    }
  }
  return null;
}

/** @returns The offset of the closing quote of the string that starts at `start`, or the end of the bytes. */
function endOfString(bytes: Buffer, start: number): number {
  let offset = start + 1;
  while (offset < bytes.length && bytes[offset] !== QUOTE) offset += bytes[offset] === BACKSLASH ? 2 : 1;
  return offset;
}

function closersOf(open: number[]): string {
  return open
    .toReversed()
    .map((byte) => (byte === OPEN_BRACE ? '}' : ']'))
    .join('');
}
