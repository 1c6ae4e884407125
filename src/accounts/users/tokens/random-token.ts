import { hash, randomBytes } from 'node:crypto';

const SECRET_BYTES = 32;

/** A token and what is stored of it. */
export interface RandomToken {
  /** The token, which is shown once. */
  text: string;
  /** SHA-256, hex. A token cannot be guessed, so a slow hash is not needed. */
  hash: string;
}

/** @param prefix The kind of the token, by which logs redact it. @returns A token of 256 random bits. */
export function randomToken(prefix: string): RandomToken {
  const text = prefix + randomBytes(SECRET_BYTES).toString('base64url');
  return { text, hash: tokenHash(text) };
}

export function tokenHash(text: string): string {
  return hash('sha256', text);
}
