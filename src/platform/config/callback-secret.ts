const PREFIX = 'whsec_';
/** Standard Webhooks 1.0.0, "Signature scheme". */
const MIN_BYTES = 24;
const MAX_BYTES = 64;

export const CALLBACK_SECRET_FORMAT = `${PREFIX} and the base64 of ${MIN_BYTES} to ${MAX_BYTES} random bytes`;

/** The bytes of base64, padded and in the standard alphabet (RFC 4648 section 4); null for anything else. */
export function base64Bytes(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  // Buffer skips what it does not know, so only a text that comes back unchanged was base64 as a whole.
  return bytes.toString('base64') === text ? bytes : null;
}

/** The key that a secret of callbacks stands for; null when it is not {@link CALLBACK_SECRET_FORMAT}. */
export function callbackSecretBytes(secret: string): Buffer | null {
  const bytes = secret.startsWith(PREFIX) ? base64Bytes(secret.slice(PREFIX.length)) : null;
  return bytes && bytes.length >= MIN_BYTES && bytes.length <= MAX_BYTES ? bytes : null;
}

/** The secret that stands for a key. */
export function callbackSecret(bytes: Buffer): string {
  return PREFIX + bytes.toString('base64');
}
