import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

const SECRET_BYTES = 32;
const KEY = /^dbk_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;

/** The two parts of a key's text, `dbk_<id>_<secret>`. */
export interface KeyText {
  id: string;
  secret: string;
}

/** Generates a key. @returns Its text, which is shown once, and the hash that is stored. */
export function mintKey(id: string): { text: string; secretHash: string } {
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { text: `dbk_${id}_${secret}`, secretHash: hash('sha256', secret) };
}

/** @returns The parts of a key, or null if the text is not a key. */
export function parseKey(text: string): KeyText | null {
  const [, id, secret] = KEY.exec(text) ?? [];
  return id !== undefined && secret !== undefined ? { id, secret } : null;
}

/** Compares in constant time, so that the duration reveals nothing about the hash. */
export function isSecretOf(secretHash: string, secret: string): boolean {
  return timingSafeEqual(Buffer.from(hash('sha256', secret), 'hex'), Buffer.from(secretHash, 'hex'));
}
