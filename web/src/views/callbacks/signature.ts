import type { components } from '../../api/schema.generated';

export type Received = components['schemas']['ReceivedCallback'];

/** The keys that receivers check signatures with: `whsec_…` for `v1`, `whpk_…` for `v1a`. */
export interface Keys {
  secrets: string[];
  publicKeys: string[];
}

/** `unknown` where the page cannot check: browsers offer cryptography only over HTTPS and on localhost. */
export type Verdict = 'valid' | 'invalid' | 'missing' | 'unknown';

const bytesOf = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
const keyOf = (text: string): Uint8Array<ArrayBuffer> => bytesOf(text.slice(text.indexOf('_') + 1));

/**
 * Checks the signature of a received callback as Standard Webhooks 1.0.0 says: over `id.timestamp.body`. The receiver keeps the
 * parsed body; written again it has the bytes that Daybook sent.
 */
export async function verdictOf({ headers, body }: Received, { secrets, publicKeys }: Keys): Promise<Verdict> {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (!id || !timestamp || !signatures) return 'missing';
  const { subtle } = crypto;
  if (!subtle) return 'unknown';
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${JSON.stringify(body)}`);
  for (const signature of signatures.split(' ')) {
    const [scheme, text = ''] = signature.split(',');
    const keys = scheme === 'v1' ? secrets : scheme === 'v1a' ? publicKeys : [];
    const algorithm = scheme === 'v1' ? { name: 'HMAC', hash: 'SHA-256' } : { name: 'Ed25519' };
    for (const key of keys) {
      try {
        const imported = await subtle.importKey('raw', keyOf(key), algorithm, false, ['verify']);
        if (await subtle.verify(algorithm, imported, bytesOf(text), signed)) return 'valid';
      } catch (error) {
        // Older browsers do not have Ed25519.
        if (error instanceof DOMException && error.name === 'NotSupportedError') return 'unknown';
      }
    }
  }
  return 'invalid';
}
