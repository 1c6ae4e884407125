import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign as signAsymmetric,
  timingSafeEqual,
  verify as verifyAsymmetric,
} from 'node:crypto';
import {
  base64Bytes,
  CALLBACK_SECRET_FORMAT,
  callbackSecret,
  callbackSecretBytes,
} from '../../platform/config/callback-secret.js';

/**
 * Signatures of Standard Webhooks 1.0.0. `v1` is HMAC-SHA256 with a shared secret `whsec_…`. `v1a` is Ed25519 with a private
 * key `whsk_…` and is verified with the public key `whpk_…`.
 */
const PRIVATE_PREFIX = 'whsk_';
const PUBLIC_PREFIX = 'whpk_';
const GENERATED_BYTES = 32;
const ED25519_KEY_BYTES = 32;
/** DER prefix of the key bytes (RFC 8410 sections 4 and 7). Node imports Ed25519 keys only in DER. */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The text is not a key of the expected kind. The message does not contain the text. */
export class InvalidKey extends Error {}

/** @returns 32 random bytes as `whsec_…`. */
export function generateSecret(): string {
  return callbackSecret(randomBytes(GENERATED_BYTES));
}

/** @returns A private key as `whsk_…`: seed and public key concatenated, the format of Ed25519 libraries. */
export function generatePrivateKey(): string {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(PKCS8_HEAD.length);
  return PRIVATE_PREFIX + Buffer.concat([seed, rawPublicKey(publicKey)]).toString('base64');
}

/** @throws InvalidKey */
export function readSecret(secret: string): KeyObject {
  const bytes = callbackSecretBytes(secret);
  if (!bytes) throw new InvalidKey(`A secret is ${CALLBACK_SECRET_FORMAT}`);
  return createSecretKey(bytes);
}

/** @throws InvalidKey */
export function readPrivateKey(text: string): KeyObject {
  const bytes = text.startsWith(PRIVATE_PREFIX) ? base64Bytes(text.slice(PRIVATE_PREFIX.length)) : null;
  if (bytes?.length !== 2 * ED25519_KEY_BYTES) throw new InvalidKey(`A private key is ${PRIVATE_PREFIX} and base64`);
  const key = Buffer.concat([PKCS8_HEAD, bytes.subarray(0, ED25519_KEY_BYTES)]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

/** @throws InvalidKey */
export function readPublicKey(text: string): KeyObject {
  const bytes = text.startsWith(PUBLIC_PREFIX) ? base64Bytes(text.slice(PUBLIC_PREFIX.length)) : null;
  if (bytes?.length !== ED25519_KEY_BYTES) {
    throw new InvalidKey(`A public key is ${PUBLIC_PREFIX} and the base64 of ${ED25519_KEY_BYTES} bytes`);
  }
  return createPublicKey({ key: Buffer.concat([SPKI_HEAD, bytes]), format: 'der', type: 'spki' });
}

/** @returns The public key `whpk_…` of a private key `whsk_…`. @throws InvalidKey */
export function publicKeyOf(privateKeyText: string): string {
  return PUBLIC_PREFIX + rawPublicKey(createPublicKey(readPrivateKey(privateKeyText))).toString('base64');
}

/**
 * Signs the bytes `id.timestamp.body` (Standard Webhooks).
 * @param key From {@link readSecret} or {@link readPrivateKey}.
 * @param timestamp Seconds since 1970, as in `webhook-timestamp`.
 * @returns One signature, `v1,…` or `v1a,…`. The header can contain several, separated by spaces.
 */
export function sign(key: KeyObject, id: string, timestamp: string, body: Buffer): string {
  const head = `${id}.${timestamp}.`;
  if (key.type === 'secret') return `v1,${hmac(key, head, body).toString('base64')}`;
  return `v1a,${signAsymmetric(null, Buffer.concat([Buffer.from(head), body]), key).toString('base64')}`;
}

/**
 * Verifies one signature in constant time.
 * @param key From {@link readSecret} or {@link readPublicKey}.
 */
export function isSignature(key: KeyObject, signature: Buffer, id: string, timestamp: string, body: Buffer): boolean {
  const head = `${id}.${timestamp}.`;
  if (key.type !== 'secret') return verifyAsymmetric(null, Buffer.concat([Buffer.from(head), body]), key, signature);
  const wanted = hmac(key, head, body);
  return wanted.length === signature.length && timingSafeEqual(wanted, signature);
}

function hmac(key: KeyObject, head: string, body: Buffer): Buffer {
  return createHmac('sha256', key).update(head).update(body).digest();
}

function rawPublicKey(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(SPKI_HEAD.length);
}
