import { LRUCache } from 'lru-cache';
import { CallbackUrlRefused } from './callback-url-refused.js';

/** Longest callback URL, as given and as normalised. */
export const MAX_CALLBACK_URL_LENGTH = 2_048;

/** Control, format (invisible) and separator characters, lone surrogates, and the backslash that parsers disagree on. */
const FORBIDDEN_CHARACTERS = /[\p{Cc}\p{Cf}\p{Cs}\p{Z}\\]/u;
/** Required in the text, because the parser would read `http:///x` and `http:x` as `http://x`. */
const ABSOLUTE_HTTP = /^https?:\/\/[^/?#]/i;

/** Parsed URLs kept in memory: the callbacks of a lane mostly go to one URL. */
const MAX_STORED = 1_000;
const stored = new LRUCache<string, Readonly<URL>>({ max: MAX_STORED });

/** @returns The host of a URL in the parser's normal form, an IPv6 address without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
}

/** @returns The port of a URL, also when it is the default of the scheme. */
export function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}

/**
 * @returns The destination of a callback as `scheme://host:port`, always with the port. Callbacks to one destination share
 * their order, their limits and their breaker.
 */
export function destination(url: URL): string {
  return `${url.protocol}//${url.hostname}:${portOf(url)}`;
}

/** @returns The parsed form of a URL that the guard has normalised before. */
export function storedUrl(text: string): Readonly<URL> {
  const known = stored.get(text);
  if (known) return known;
  const url = new URL(text);
  stored.set(text, url);
  return url;
}

/**
 * Parses and normalises a callback URL. A fragment is dropped: it is not part of a request's target (RFC 9110 section 7.1).
 * @throws CallbackUrlRefused when its form breaks a rule.
 */
export function parseCallbackUrl(text: string): URL {
  if (text.length > MAX_CALLBACK_URL_LENGTH) throw tooLong();
  if (FORBIDDEN_CHARACTERS.test(text)) {
    throw malformed('contains a space, a backslash, or a control or invisible character; percent-encode it');
  }
  if (!ABSOLUTE_HTTP.test(text)) throw malformed('must begin with http:// or https:// and a host');
  const url = parsed(text);
  if (!url) throw malformed('is not valid; use one such as https://example.com/hook');
  if (url.username !== '' || url.password !== '') {
    throw new CallbackUrlRefused('userinfo', 'The callback URL must not contain a user name or a password');
  }
  if (text.includes('#')) url.hash = '';
  // `example.com.` and `example.com` are one host; a certificate and SNI contain only the latter (RFC 6066 section 3).
  if (url.hostname.endsWith('.')) url.hostname = url.hostname.slice(0, -1);
  if (url.href.length > MAX_CALLBACK_URL_LENGTH) throw tooLong();
  return url;
}

/** Not `URL.canParse`: optimised by Node 20, it rejects valid hosts such as `bücher.example`. */
function parsed(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function malformed(flaw: string): CallbackUrlRefused {
  return new CallbackUrlRefused('malformed', `The callback URL ${flaw}`);
}

function tooLong(): CallbackUrlRefused {
  return malformed(`is longer than ${MAX_CALLBACK_URL_LENGTH} characters`);
}
