const PREFIX = 'whsec_';
/** Limits of Standard Webhooks 1.0.0, "Signature scheme". */
const MIN_BYTES = 24;
const MAX_BYTES = 64;

export const CALLBACK_SECRET_FORMAT = `${PREFIX} and the base64 of ${MIN_BYTES} to ${MAX_BYTES} random bytes`;

/** Decodes base64, padded and in the standard alphabet (RFC 4648 section 4). Returns null for any other text. */
export function base64Bytes(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  // Buffer skips invalid characters, so only a text that encodes to itself was entirely base64.
  return bytes.toString('base64') === text ? bytes : null;
}

/** Returns the key bytes of a callback secret; null if it does not have the {@link CALLBACK_SECRET_FORMAT}. */
export function callbackSecretBytes(secret: string): Buffer | null {
  const bytes = secret.startsWith(PREFIX) ? base64Bytes(secret.slice(PREFIX.length)) : null;
  return bytes && bytes.length >= MIN_BYTES && bytes.length <= MAX_BYTES ? bytes : null;
}

/** Returns the callback secret for key bytes. */
export function callbackSecret(bytes: Buffer): string {
  return PREFIX + bytes.toString('base64');
}
