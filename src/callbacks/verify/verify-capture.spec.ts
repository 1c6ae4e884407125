import { describe, expect, it } from '@jest/globals';
import { NotARequest, readCapture } from './captured-request.js';
import {
  generatePrivateKey,
  generateSecret,
  publicKeyOf,
  readPrivateKey,
  readSecret,
  sign,
} from '../signing/signature.js';
import { type Reason, verifyCapture } from './verify-capture.js';

const ID = 'msg_0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55';
const TIMESTAMP = '1772366403';
const NOW_MS = 1_772_366_413_000;
/** JSON as Daybook formats it: compact, without escapes of non-ASCII characters. */
const BODY = '{"type":"report.completed","report_name":"Übersicht","row_count":50,"summary":{"net_income":1.5}}';
// Its base64 contains both characters that differ in base64url.
const SECRET = `whsec_${Buffer.from(Array.from({ length: 32 }, (_, at) => [0xfb, 0xef, 0xff][at % 3]!)).toString('base64')}`;
const KEY = SECRET.slice('whsec_'.length);
const PRIVATE_KEY = generatePrivateKey();

const signed = (body: string | Buffer, timestamp = TIMESTAMP): string =>
  sign(readSecret(SECRET), ID, timestamp, Buffer.from(body));
const SIGNATURE = signed(BODY);
const V1A = sign(readPrivateKey(PRIVATE_KEY), ID, TIMESTAMP, Buffer.from(BODY));

interface Case {
  headers?: Record<string, string | null>;
  body?: string | Buffer;
  secrets?: string[];
  lineEnd?: string;
  nowMs?: number;
  toleranceMs?: number;
}

function captureOf({ headers = {}, body = BODY, lineEnd = '\r\n' }: Case): Buffer {
  const all: Record<string, string | null> = {
    Host: 'receiver.example',
    'Content-Type': 'application/json',
    'Webhook-Id': ID,
    'Webhook-Timestamp': TIMESTAMP,
    'Webhook-Signature': SIGNATURE,
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]));
  return Buffer.concat([Buffer.from(['POST /hook HTTP/1.1', ...lines, '', ''].join(lineEnd)), Buffer.from(body)]);
}

function verdictOf(change: Case) {
  const { secrets = [SECRET], nowMs = NOW_MS, toleranceMs = 300_000 } = change;
  return verifyCapture(readCapture(captureOf(change)), { secrets, nowMs, toleranceMs });
}

const hex = (signature: string): string => Buffer.from(signature.slice(3), 'base64').toString('hex');
const url = (text: string): string => text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

const GOOD: [string, Case][] = [
  ['as it was sent', {}],
  ['with a head of LF', { lineEnd: '\n' }],
  ['with headers in lower case', { headers: { 'Webhook-Id': null, 'webhook-id': ID } }],
  ['by the second of two secrets', { secrets: [generateSecret(), SECRET] }],
  ['by the second of two signatures', { headers: { 'Webhook-Signature': `v1,${'A'.repeat(43)}= ${SIGNATURE}` } }],
  ['among signatures of unknown versions', { headers: { 'Webhook-Signature': `v9,x ${SIGNATURE}` } }],
  ['by the public key', { headers: { 'Webhook-Signature': V1A }, secrets: [publicKeyOf(PRIVATE_KEY)] }],
  [
    'under either scheme',
    { headers: { 'Webhook-Signature': `${SIGNATURE} ${V1A}` }, secrets: [publicKeyOf(PRIVATE_KEY)] },
  ],
  ['at the end of the tolerance', { nowMs: 1_772_366_703_000 }],
  ['an empty body', { body: '', headers: { 'Webhook-Signature': signed('') } }],
  [
    'bytes that are not text',
    {
      body: Buffer.from([0, 0xff, 0x0d, 0x0a, 0x0a]),
      headers: { 'Webhook-Signature': signed(Buffer.from([0, 0xff, 0x0d, 0x0a, 0x0a])) },
    },
  ],
];

/** Formatted with spaces and escapes, like Python's json.dumps. */
const RESPACED = BODY.replaceAll(':', ': ')
  .replaceAll(',', ', ')
  .replace('Ü', String.raw`\u00dc`);
const PRETTY = JSON.stringify(JSON.parse(BODY), null, 2);

const BAD: [string, Case, Reason, RegExp][] = [
  ['no signature', { headers: { 'Webhook-Signature': null } }, 'missing-header', /no webhook-signature$/],
  [
    'none of the headers',
    { headers: { 'Webhook-Id': null, 'Webhook-Timestamp': null, 'Webhook-Signature': '' } },
    'missing-header',
    /no webhook-id, no webhook-timestamp, no webhook-signature/,
  ],
  [
    'an old request',
    { nowMs: NOW_MS + 290_001 },
    'timestamp-old',
    /signature matches, but it is 300 s old, more than the 300 s/,
  ],
  ['a capture of last week', { nowMs: NOW_MS + 604_800_000 }, 'timestamp-old', /--now or --tolerance/],
  ['a request from the future', { nowMs: NOW_MS - 400_000 }, 'timestamp-ahead', /390 s ahead.*clocks/],
  [
    'a time in milliseconds',
    { headers: { 'Webhook-Timestamp': `${TIMESTAMP}000` } },
    'timestamp-format',
    /whole seconds/,
  ],
  [
    'a time in words',
    { headers: { 'Webhook-Timestamp': '2026-03-01T12:00:03Z' } },
    'timestamp-format',
    /whole seconds/,
  ],

  [
    'another secret',
    { secrets: [generateSecret()] },
    'wrong-secret',
    /^The signature was not created with this secret/,
  ],
  [
    'another secret, among several signatures',
    {
      secrets: [generateSecret()],
      headers: { 'Webhook-Signature': `${SIGNATURE} ${SIGNATURE}` },
    },
    'wrong-secret',
    /^None of the 2 signatures/,
  ],
  [
    'another public key',
    {
      headers: { 'Webhook-Signature': V1A },
      secrets: [publicKeyOf(generatePrivateKey())],
    },
    'wrong-secret',
    /not created with this secret/,
  ],
  ['another id', { headers: { 'Webhook-Id': 'msg_other' } }, 'wrong-secret', /not created/],

  ['a line break at the end', { body: `${BODY}\n` }, 'body-altered', /line breaks were added at its end/],
  [
    'more than was sent',
    { body: `${BODY}, and`, headers: { 'Content-Length': String(Buffer.byteLength(BODY)) } },
    'body-altered',
    /5 bytes were added at its end/,
  ],
  [
    'less than was sent',
    { body: BODY.slice(0, -4), headers: { 'Content-Length': String(Buffer.byteLength(BODY)) } },
    'body-altered',
    /has \d+ bytes, but \d+ were sent/,
  ],
  ['white space before it', { body: `\n ${BODY}` }, 'body-altered', /white space/],
  ['a byte order mark', { body: `\uFEFF${BODY}` }, 'body-altered', /byte order mark/],
  [
    'line breaks changed to CRLF',
    { body: PRETTY.replaceAll('\n', '\r\n'), headers: { 'Webhook-Signature': signed(PRETTY) } },
    'body-altered',
    /changed to CRLF\.$/,
  ],
  [
    'line breaks changed to CRLF, and one added',
    {
      body: `${PRETTY.replaceAll('\n', '\r\n')}\r\n`,
      headers: { 'Webhook-Signature': signed(PRETTY) },
    },
    'body-altered',
    /changed to CRLF, and some were added/,
  ],
  [
    'line breaks changed to LF',
    { body: PRETTY, headers: { 'Webhook-Signature': signed(PRETTY.replaceAll('\n', '\r\n')) } },
    'body-altered',
    /from CRLF to LF/,
  ],
  ['JSON written with indents', { body: PRETTY }, 'body-altered', /parsed and serialized again/],
  ['JSON written with spaces and escapes', { body: RESPACED }, 'body-altered', /parsed and serialized again/],
  ['JSON in a JSON string', { body: JSON.stringify(BODY) }, 'body-altered', /as a JSON string/],
  ['text of another encoding', { body: Buffer.from(Buffer.from(BODY).toString('latin1')) }, 'body-altered', /Latin-1/],
  ['a body that is not JSON', { body: 'report=1' }, 'body-altered', /not JSON/],
  [
    'JSON changed in more than one way',
    { body: PRETTY.replace('50', '51') },
    'body-altered',
    /not formatted as Daybook formats/,
  ],

  [
    'a secret without its prefix',
    { secrets: [KEY] },
    'secret-format',
    /lacks its prefix whsec_\. Otherwise the signature matches/,
  ],
  [
    'a secret in quotes',
    { secrets: [`"${SECRET}"`] },
    'secret-format',
    /quotes around it\. Otherwise the signature matches/,
  ],
  [
    'a secret with a line break',
    { secrets: [`${SECRET}\n`] },
    'secret-format',
    /white space.*Otherwise the signature matches/,
  ],
  [
    'a secret in hexadecimal',
    { secrets: [Buffer.from(KEY, 'base64').toString('hex')] },
    'secret-format',
    /lacks its prefix whsec_ and is hexadecimal instead of base64\. Otherwise the signature matches/,
  ],
  [
    'a secret in base64url',
    { secrets: [`whsec_${url(KEY)}`] },
    'secret-format',
    /is base64url.*Otherwise the signature matches/,
  ],
  ['a secret without padding', { secrets: [SECRET.replaceAll('=', '')] }, 'secret-format', /without its padding/],
  ['a secret that is not base64', { secrets: ['whsec_not*base64'] }, 'secret-format', /is not base64 after whsec_/],
  ['a secret that is too short', { secrets: ['whsec_AAAA'] }, 'secret-format', /24 to 64 bytes/],
  ['a public key that is too short', { secrets: ['whpk_AAAA'] }, 'secret-format', /32 bytes/],
  ['a secret of another kind', { secrets: ['hunter2'] }, 'secret-format', /must begin with whsec_/],
  ['a private key', { secrets: [PRIVATE_KEY] }, 'secret-format', /use the public key/],

  [
    'a signature without its prefix',
    { headers: { 'Webhook-Signature': SIGNATURE.slice(3) } },
    'signature-format',
    /lacks its prefix v1,\. Otherwise the signature matches/,
  ],
  [
    'a signature in the style of other services',
    { headers: { 'Webhook-Signature': `v1=${SIGNATURE.slice(3)}` } },
    'signature-format',
    /lacks its prefix v1,\. Otherwise the signature matches/,
  ],
  [
    'a signature in hexadecimal',
    { headers: { 'Webhook-Signature': `v1,${hex(SIGNATURE)}` } },
    'signature-format',
    /is hexadecimal instead of base64\. Otherwise the signature matches/,
  ],
  [
    'a bare signature in hexadecimal',
    { headers: { 'Webhook-Signature': hex(SIGNATURE) } },
    'signature-format',
    /lacks its prefix v1, and is hexadecimal/,
  ],
  [
    'a signature without padding',
    { headers: { 'Webhook-Signature': SIGNATURE.replace('=', '') } },
    'signature-format',
    /without its padding/,
  ],
  [
    'a text that is not a signature',
    { headers: { 'Webhook-Signature': 'sha256=?' } },
    'signature-format',
    /must be v1,/,
  ],

  [
    'a secret where Ed25519 was used',
    { headers: { 'Webhook-Signature': V1A } },
    'other-scheme',
    /v1a signatures only.*whpk_/,
  ],
  [
    'a public key where HMAC was used',
    { secrets: [publicKeyOf(PRIVATE_KEY)] },
    'other-scheme',
    /v1 signatures only.*whsec_/,
  ],
];

describe('a captured request verifies', () => {
  it.each(GOOD)('%s', (_, change) => {
    expect(verdictOf(change)).toEqual({
      reason: null,
      detail: expect.stringMatching(/^The signature matches; it is \d+ s old\.$/),
    });
  });
});

describe('a captured request does not verify, with the reason', () => {
  it.each(BAD)('%s', (_, change, reason, detail) => {
    const verdict = verdictOf(change);
    expect(verdict).toEqual({ reason, detail: expect.stringMatching(detail) });
    for (const secret of change.secrets ?? [SECRET]) expect(verdict.detail).not.toContain(secret.slice(6));
  });

  it('covers every reason', () => {
    const reasons: Record<Reason, true> = {
      'missing-header': true,
      'timestamp-format': true,
      'timestamp-old': true,
      'timestamp-ahead': true,
      'secret-format': true,
      'signature-format': true,
      'other-scheme': true,
      'body-altered': true,
      'wrong-secret': true,
    };
    expect(new Set(BAD.map(([, , reason]) => reason))).toEqual(new Set(Object.keys(reasons)));
  });

  it('with arbitrary bytes in its body', () => {
    const body = Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x0d, 0x0a]);
    expect(verdictOf({ body })).toMatchObject({ reason: 'body-altered' });
  });
});

describe('a file that is not a request is refused', () => {
  const head = 'POST / HTTP/1.1';
  it.each([
    ['', /blank line/],
    ['{"a":1}', /blank line/],
    ['{"a":1}\n', /Line 1 is not a request line/],
    [`${head}\nwebhook-id: x\n`, /blank line/],
    [`${head}\nwebhook id: x\n\n`, /Line 2 is not a header/],
    [`${head}\na: b\n folded\n\n`, /Line 3 is not a header/],
    [`HTTP/1.1 200 OK\n\n`, /Line 1 is not a request line/],
    [`${head}\n${'a: b\n'.repeat(300)}\n`, /more than 200 headers/],
  ])('%j', (text, message) => {
    expect(() => readCapture(Buffer.from(text))).toThrow(NotARequest);
    expect(() => readCapture(Buffer.from(text))).toThrow(message);
  });

  it('except HTTP/2 and requests without headers', () => {
    expect(readCapture(Buffer.from('POST /x HTTP/2\n\nbody')).body.toString()).toBe('body');
  });
});
