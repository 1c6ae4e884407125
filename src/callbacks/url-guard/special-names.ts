import { isHostName } from './target-list.js';

/**
 * Top-level domains that are never public: this host (RFC 6761), the link (RFC 6762), private networks (RFC 8375, ICANN's
 * reservation of .internal, RFC 6762 appendix G), infrastructure (RFC 3172), other name systems (RFC 7686, RFC 9476).
 * `.test`, `.example` and `.invalid` pass: only a resolver of the operator answers for them, and its answer is checked at
 * the dial.
 */
const PRIVATE_TLDS = new Set(
  'localhost localdomain local internal intranet private corp home lan arpa onion alt'.split(' '),
);

/** Cloud metadata services with names. Others have a link-local address. */
const METADATA_NAMES = new Set(['metadata.goog', 'metadata.google.internal', 'metadata.tencentyun.com']);

/** Whether a name could be that of a host in a network of the operator, so that its addresses decide. */
export function mayBeLocalName(name: string): boolean {
  return isHostName(name) && !METADATA_NAMES.has(name);
}

/**
 * @returns The reason why a name cannot be that of a public host, as words that complete "… is …"; null when only its
 * addresses can decide.
 */
export function whyNotPublicName(name: string): string | null {
  if (!isHostName(name)) return 'not a host name';
  const tld = name.slice(name.lastIndexOf('.') + 1);
  if (tld === 'localhost') return 'a name for this host (RFC 6761)';
  if (METADATA_NAMES.has(name)) return 'a name of a cloud metadata service';
  if (!name.includes('.')) return 'a name of the local network (it has no dot)';
  if (PRIVATE_TLDS.has(tld)) return `not a public name (.${tld} is reserved)`;
  return null;
}
