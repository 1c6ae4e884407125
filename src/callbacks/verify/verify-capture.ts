import type { KeyObject } from 'node:crypto';
import { base64Bytes } from '../../platform/config/callback-secret.js';
import type { CapturedRequest } from './captured-request.js';
import { isSignature, readPublicKey, readSecret } from '../signing/signature.js';
import { type Guess, alteredBodies, keyGuesses, signatureGuesses } from './verify-guesses.js';

/** The reason why a request does not verify. */
export type Reason =
  | 'missing-header'
  | 'timestamp-format'
  | 'timestamp-old'
  | 'timestamp-ahead'
  | 'secret-format'
  | 'signature-format'
  | 'other-scheme'
  | 'body-altered'
  | 'wrong-secret';

export interface Verdict {
  /** Null when it verifies. */
  reason: Reason | null;
  /** A sentence for people, without secrets. */
  detail: string;
}

export interface VerifyOptions {
  /** `whsec_…` or `whpk_…`. One match is enough. */
  secrets: string[];
  nowMs: number;
  /** Largest difference between the time of the attempt and now, in either direction. */
  toleranceMs: number;
}

const HEADERS = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;
/** Lengths of the signatures in bytes. */
const LENGTHS = { v1: 32, v1a: 64 };

/** A key or a signature. A well-formed one has no flaw; others are guesses from a malformed text. */
type Candidate<T> = { value: T; flaw: string | null };

interface Message {
  id: string;
  timestamp: string;
  keys: Candidate<KeyObject>[];
  signatures: Candidate<Buffer>[];
}

/** Verifies a captured request. @returns The verdict, with the most probable reason of a failure. */
export function verifyCapture({ headers, body }: CapturedRequest, options: VerifyOptions): Verdict {
  const missing = HEADERS.filter((name) => !headers.get(name));
  if (missing.length > 0) return no('missing-header', `The request has no ${missing.join(', no ')}`);
  const [id, timestamp, signatureText] = HEADERS.map((name) => headers.get(name)!) as [string, string, string];
  if (!/^\d{1,11}$/.test(timestamp)) {
    return no('timestamp-format', `webhook-timestamp is ${timestamp}, but must be whole seconds since 1970`);
  }
  const signatures = signatureText.split(' ').filter(Boolean).flatMap(signatureCandidates);
  const message = { id, timestamp, signatures, keys: options.secrets.flatMap(keyCandidates) };
  const match = matchOf(message, body);
  if (match && match.flaw === null) return timeVerdict(Number(timestamp) * 1_000, options);
  if (match)
    return no(match.isKey ? 'secret-format' : 'signature-format', `${match.flaw} Otherwise the signature matches.`);
  return whyNothingMatches(message, { headers, body }, signatureText, options.secrets);
}

function no(reason: Reason, detail: string): Verdict {
  return { reason, detail };
}

function timeVerdict(signedAtMs: number, { nowMs, toleranceMs }: VerifyOptions): Verdict {
  const ageS = Math.round((nowMs - signedAtMs) / 1_000);
  const away = ageS >= 0 ? `${ageS} s old` : `${-ageS} s ahead`;
  if (Math.abs(nowMs - signedAtMs) <= toleranceMs)
    return { reason: null, detail: `The signature matches; it is ${away}.` };
  const hint = `more than the ${toleranceMs / 1_000} s allowed. For an old capture use --now or --tolerance.`;
  if (ageS > 0)
    return no('timestamp-old', `The signature matches, but it is ${away}, ${hint} A receiver must reject it.`);
  return no('timestamp-ahead', `The signature matches, but it is ${away}, ${hint} Compare the clocks of both sides.`);
}

/** Finds a key and a signature that match, preferably without flaws. */
function matchOf(
  { id, timestamp, keys, signatures }: Message,
  body: Buffer,
): { flaw: string | null; isKey: boolean } | null {
  const pairs = keys.flatMap((key) => signatures.map((signature) => ({ key, signature })));
  const flaws = ({ key, signature }: (typeof pairs)[0]) => Number(key.flaw !== null) + Number(signature.flaw !== null);
  const matching = pairs
    .toSorted((a, b) => flaws(a) - flaws(b))
    .find(({ key, signature }) => {
      return isSignature(key.value, signature.value, id, timestamp, body);
    });
  return matching ? { flaw: matching.key.flaw ?? matching.signature.flaw, isKey: matching.key.flaw !== null } : null;
}

function whyNothingMatches(
  message: Message,
  request: CapturedRequest,
  signatureText: string,
  secrets: string[],
): Verdict {
  const length = lengthOf(request);
  for (const { value, flaw } of alteredBodies(request.body, length)) {
    if (matchOf(message, value)) return no('body-altered', `The body differs from the signed one: ${flaw}.`);
  }
  const badSecret = secrets.find((secret) => strictKey(secret) === null);
  if (badSecret !== undefined) return no('secret-format', secretFlaw(badSecret));
  if (message.signatures.every(({ flaw }) => flaw !== null)) {
    return no('signature-format', 'webhook-signature must be v1, (or v1a,) and the base64 of the signature.');
  }
  const expected = new Set(message.keys.map(({ value }) => (value.type === 'secret' ? LENGTHS.v1 : LENGTHS.v1a)));
  if (!message.signatures.some(({ value }) => expected.has(value.length))) {
    const isPublic = expected.has(LENGTHS.v1a);
    const other = isPublic
      ? 'v1 signatures only; they verify with a secret whsec_…'
      : 'v1a signatures only; they verify with the public key whpk_…';
    return no('other-scheme', `The request has ${other}`);
  }
  return probableReason(request, length, signatureText);
}

/** A signature cannot distinguish a wrong secret from an altered body, but the length and the form of the body can. */
function probableReason({ body }: CapturedRequest, length: number | null, signatureText: string): Verdict {
  if (length !== null && length !== body.length) {
    return no('body-altered', `The body has ${body.length} bytes, but ${length} were sent (Content-Length).`);
  }
  const text = body.toString();
  const compact = jsonOf(text);
  if (compact === null) return no('body-altered', 'The body is not JSON, so it was altered.');
  if (compact !== text) {
    return no(
      'body-altered',
      'The body is not formatted as Daybook formats JSON. It was probably parsed and serialized again.',
    );
  }
  const count = signatureText.split(' ').length;
  const signatures = count === 1 ? 'The signature was not created' : `None of the ${count} signatures was created`;
  return no(
    'wrong-secret',
    `${signatures} with this secret. The body looks unaltered, unless a value in it was changed.`,
  );
}

function jsonOf(text: string): string | null {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return null;
  }
}

function lengthOf({ headers }: CapturedRequest): number | null {
  const text = headers.get('content-length') ?? '';
  return /^\d{1,12}$/.test(text) ? Number(text) : null;
}

function strictKey(secret: string): KeyObject | null {
  try {
    return secret.startsWith('whpk_') ? readPublicKey(secret) : readSecret(secret);
  } catch {
    return null;
  }
}

function keyCandidates(secret: string): Candidate<KeyObject>[] {
  const key = strictKey(secret);
  return key ? [{ value: key, flaw: null }] : keyGuesses(secret);
}

function signatureCandidates(text: string): Guess<Buffer>[] | Candidate<Buffer>[] {
  const [, scheme, encoded] = /^(v1a?),(.*)$/.exec(text) ?? [];
  const bytes = encoded === undefined ? null : base64Bytes(encoded);
  if (bytes && bytes.length === LENGTHS[scheme as keyof typeof LENGTHS]) return [{ value: bytes, flaw: null }];
  return signatureGuesses(text);
}

function secretFlaw(secret: string): string {
  if (secret.startsWith('whsk_')) return 'The secret is a private key whsk_…; use the public key whpk_… instead.';
  const [, prefix = ''] = /^(whsec_|whpk_)/.exec(secret) ?? [];
  if (prefix === '') return 'The secret must begin with whsec_ (or be a public key whpk_…).';
  if (!base64Bytes(secret.slice(prefix.length))) return `The secret is not base64 after ${prefix}.`;
  return `The secret has the wrong length: ${prefix === 'whpk_' ? '32 bytes' : '24 to 64 bytes'} are allowed.`;
}
