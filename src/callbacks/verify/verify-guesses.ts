import { createSecretKey, type KeyObject } from 'node:crypto';

/** A value that a malformed or altered input probably stands for, and the flaw of the input. */
export interface Guess<T> {
  value: T;
  flaw: string;
}

const HEX = /^([0-9a-f]{2})+$/i;
const SOME_BASE64 = /^[\w+/-]+={0,2}$/;

/** Decodes a text with every encoding that it may have. */
function bytesGuesses(text: string): { bytes: Buffer; encoding: string }[] {
  const guesses = [];
  if (HEX.test(text)) guesses.push({ bytes: Buffer.from(text, 'hex'), encoding: 'hexadecimal' });
  if (SOME_BASE64.test(text)) {
    const isUrl = /[-_]/.test(text);
    const encoding = isUrl ? 'base64url' : 'base64 without its padding';
    guesses.push({ bytes: Buffer.from(text, 'base64'), encoding });
  }
  return guesses;
}

/** @returns Keys that a malformed secret may stand for. */
export function keyGuesses(secret: string): Guess<KeyObject>[] {
  const bare = secret.trim().replaceAll(/^["']|["']$/g, '');
  const encoded = bare.replace(/^whsec_/, '');
  const flaws = [
    ...(bare === secret ? [] : ['has white space or quotes around it']),
    ...(encoded === bare ? ['lacks its prefix whsec_'] : []),
  ];
  return bytesGuesses(encoded)
    .filter(({ bytes }) => bytes.length > 0)
    .map(({ bytes, encoding }) => {
      const isPlain = bytes.toString('base64') === encoded;
      const all = isPlain ? flaws : [...flaws, `is ${encoding} instead of base64`];
      return { value: createSecretKey(bytes), flaw: `The secret ${all.join(' and ') || 'is not valid'}.` };
    });
}

/** @returns Signatures that a malformed text may stand for. */
export function signatureGuesses(text: string): Guess<Buffer>[] {
  const encoded = text.replace(/^v1a?[,=]/, '');
  return bytesGuesses(encoded).map(({ bytes, encoding }) => {
    const isPlain = bytes.toString('base64') === encoded;
    const flaws = [
      ...(/^v1a?,/.test(text) ? [] : ['lacks its prefix v1,']),
      ...(isPlain ? [] : [`is ${encoding} instead of base64`]),
    ];
    return { value: bytes, flaw: `The signature ${flaws.join(' and ') || 'has the wrong length'}.` };
  });
}

/** Yields bodies that may have been signed, each with the alteration that led to the given body. */
export function* alteredBodies(body: Buffer, length: number | null): Generator<Guess<Buffer>> {
  const text = body.toString('utf8');
  const guess = (changed: string, flaw: string): Guess<Buffer> => ({ value: Buffer.from(changed), flaw });
  const trimmed = text.replace(/[\r\n]+$/, '');
  if (trimmed !== text) yield guess(trimmed, 'line breaks were added at its end');
  if (length !== null && length < body.length) {
    yield { value: body.subarray(0, length), flaw: `${body.length - length} bytes were added at its end` };
  }
  yield guess(text.replaceAll('\r\n', '\n'), 'its line breaks were changed to CRLF');
  yield guess(trimmed.replaceAll('\r\n', '\n'), 'its line breaks were changed to CRLF, and some were added at its end');
  yield guess(text.replaceAll(/\r?\n/g, '\r\n'), 'its line breaks were changed from CRLF to LF');
  yield guess(text.replace(/^\uFEFF/, '').trim(), 'white space or a byte order mark was added around it');
  yield { value: Buffer.from(text, 'latin1'), flaw: 'it was read as Latin-1 and written as UTF-8' };
  yield* serialized(text);
}

function* serialized(text: string): Generator<Guess<Buffer>> {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return;
  }
  const flaw = 'it was parsed and serialized again, with other spaces or escapes';
  yield { value: Buffer.from(JSON.stringify(value)), flaw };
  if (typeof value === 'string') yield { value: Buffer.from(value), flaw: 'it was serialized as a JSON string' };
}
