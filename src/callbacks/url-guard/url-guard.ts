import { isIP } from 'node:net';
import { LRUCache } from 'lru-cache';
import { DaybookError } from '../../platform/errors.js';
import type { OpenedReceivers } from './opened-receivers.js';
import { AllowList, isHostName } from './allow-list.js';
import { isLoopback, whyNotPublic } from './special-addresses.js';

/**
 * Of URLs that are remembered, and of destinations: callbacks of a lane mostly go to one URL, which is neither parsed nor
 * judged anew each time, or to one for each request at one destination, which is judged once.
 */
const MAX_REMEMBERED = 1_000;

/** Longest callback URL, as given and as normalised. */
export const MAX_CALLBACK_URL_LENGTH = 2_048;

/** The demo receiver's path; the only one of this host that callbacks may call without `CALLBACK_ALLOW`. */
export const DEMO_RECEIVER_PATH = '/api/callbacks/receive';
const DEMO_RECEIVER_HOSTS = new Set(['localhost', '127.0.0.1', '::1']);

/** Which rule refused a callback URL. Stable. */
export type RefusalReason = 'malformed' | 'userinfo' | 'port' | 'host' | 'address';

/** A callback URL breaks a rule. The message may be shown to the caller: it holds no resolved address. */
export class CallbackUrlRefused extends DaybookError {
  readonly code = 'callback-url-refused';

  constructor(
    readonly reason: RefusalReason,
    message: string,
    override readonly path = 'callback_url',
  ) {
    super(message);
  }

  /** The same refusal of a URL that stands elsewhere in the input. */
  at(path: string): CallbackUrlRefused {
    return new CallbackUrlRefused(this.reason, this.message, path);
  }
}

/**
 * Ports that browsers refuse because another protocol listens there and could take an HTTP request for its own.
 * Fetch standard, "bad port": https://fetch.spec.whatwg.org/#port-blocking
 */
const BAD_PORTS = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
  6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10_080,
]);

/**
 * Top-level domains that are never public: this host (RFC 6761), the link (RFC 6762), private networks (RFC 8375,
 * ICANN's reservation of .internal, RFC 6762 appendix G), infrastructure (RFC 3172), other name systems (RFC 7686,
 * RFC 9476). `.test`, `.example` and `.invalid` pass: nothing answers for them but a resolver that the operator set
 * up, and what it answers is judged at the dial.
 */
const PRIVATE_TLDS = new Set(
  'localhost localdomain local internal intranet private corp home lan arpa onion alt'.split(' '),
);

/** Cloud metadata under public names. The rest sits under .internal or on a link-local address. */
const METADATA_NAMES = new Set(['metadata.goog', 'metadata.tencentyun.com']);

/** Control, format (invisible) and separator characters, lone surrogates, and the backslash that parsers disagree on. */
const FORBIDDEN_CHARACTERS = /[\p{Cc}\p{Cf}\p{Cs}\p{Z}\\]/u;
/** The parser would read `http:///x` and `http:x` as `http://x`; the text must already say where its host is. */
const ABSOLUTE_HTTP = /^https?:\/\/[^/?#]/i;

/** The host that a URL names: without brackets, in the parser's normal form. */
function hostOf(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
}

/** The port, written or not. */
export function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}

/**
 * Where a callback goes, as `scheme://host:port` with the port always written: callbacks to one destination share
 * their order and their limits.
 */
export function destination(url: URL): string {
  return `${url.protocol}//${url.hostname}:${portOf(url)}`;
}

const stored = new LRUCache<string, Readonly<URL>>({ max: MAX_REMEMBERED });

/** A URL that {@link UrlGuard.check} gave before, from its text. */
export function storedUrl(text: string): Readonly<URL> {
  const known = stored.get(text);
  if (known) return known;
  const url = new URL(text);
  stored.set(text, url);
  return url;
}

/** Not `URL.canParse`: once Node 20 has optimised it, it calls valid hosts such as `bücher.example` invalid. */
function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

/** The rules of form. A fragment is dropped: it is no part of a request's target (RFC 9110 section 7.1). */
function parse(text: string): URL {
  const malformed = (what: string) => new CallbackUrlRefused('malformed', `The callback URL ${what}`);
  const tooLong = () => malformed(`is longer than ${MAX_CALLBACK_URL_LENGTH} characters`);
  if (text.length > MAX_CALLBACK_URL_LENGTH) throw tooLong();
  if (FORBIDDEN_CHARACTERS.test(text)) {
    throw malformed('contains a space, a backslash, or a control or invisible character; percent-encode it');
  }
  if (!ABSOLUTE_HTTP.test(text)) throw malformed('must begin with http:// or https:// and a host');
  const url = parseUrl(text);
  if (!url) throw malformed('is not valid; one such as https://example.com/hook is needed');
  if (url.username !== '' || url.password !== '') {
    throw new CallbackUrlRefused('userinfo', 'The callback URL must not contain a user name or a password');
  }
  if (text.includes('#')) url.hash = '';
  // `example.com.` and `example.com` are one host; a certificate and SNI know only the latter (RFC 6066 section 3).
  if (url.hostname.endsWith('.')) url.hostname = url.hostname.slice(0, -1);
  if (url.href.length > MAX_CALLBACK_URL_LENGTH) throw tooLong();
  return url;
}

/** Why a name cannot be a public host's, as words that complete "… is …"; `null` when only the dial can tell. */
function whyNotPublicName(name: string): string | null {
  if (!isHostName(name)) return 'not a host name';
  const tld = name.slice(name.lastIndexOf('.') + 1);
  if (tld === 'localhost') return 'a name for this host (RFC 6761)';
  if (METADATA_NAMES.has(name)) return 'a name of a cloud metadata service';
  if (!name.includes('.')) return 'a name of the local network (it has no dot)';
  if (PRIVATE_TLDS.has(tld)) return `not a public name (.${tld} is reserved)`;
  return null;
}

function refusal(reason: 'host' | 'address', what: string): CallbackUrlRefused {
  return new CallbackUrlRefused(
    reason,
    `The callback URL's host ${what}; only public hosts are called, and those that the operator names in CALLBACK_ALLOW`,
  );
}

export interface UrlGuardOptions {
  /** Entries of `CALLBACK_ALLOW`: `CIDR`, address, `host`, `host:port`, `[address]:port`. */
  allow: string[];
  /** Opens the built-in receiver. The port is read at every check, so it may be filled in once it is listened on. */
  demoReceiver?: { readonly port: number };
  /** Opens the receiver of the load test that is under way, on the very address and path that it registered. */
  openedReceivers?: OpenedReceivers;
}

/**
 * Decides which URLs callbacks may go to, without I/O: {@link check} when a URL is accepted and before every attempt,
 * {@link checkAddress} for every address that its name resolves to, at the dial.
 */
export class UrlGuard {
  private readonly allowList: AllowList;
  /** What passed, by its text. Not what is open for a time only: the demo receiver, and that of a load test. */
  private readonly passed = new LRUCache<string, Readonly<URL>>({ max: MAX_REMEMBERED });
  /** {@link judge} looks at no more than the destination. */
  private readonly passedDestinations = new LRUCache<string, true>({ max: MAX_REMEMBERED });

  /** @throws ConfigError naming the first malformed entry of `allow`. */
  constructor(private readonly options: UrlGuardOptions) {
    this.allowList = new AllowList(options.allow);
  }

  /** To be awaited before {@link check}: whether a load test is under way stands in the database. Others cost nothing. */
  lookUp(text: string): Promise<void> {
    return this.options.openedReceivers?.lookUp(text) ?? Promise.resolve();
  }

  /**
   * @returns the URL in normal form, without fragment: what may be stored and called.
   * @throws CallbackUrlRefused
   */
  check(text: string): Readonly<URL> {
    const known = this.passed.get(text);
    if (known) return known;
    const url = parse(text);
    const to = destination(url);
    if (!this.passedDestinations.get(to)) {
      if (this.isDemoOrigin(url) && url.pathname === DEMO_RECEIVER_PATH) return url;
      if (this.options.openedReceivers?.isReceiver(url)) return url;
      this.judge(hostOf(url), portOf(url));
      this.passedDestinations.set(to, true);
    }
    this.passed.set(text, url);
    return url;
  }

  private judge(host: string, port: number): void {
    if (BAD_PORTS.has(port) && !this.allowList.namesPort(host, port)) {
      throw new CallbackUrlRefused('port', `The callback URL's port ${port} belongs to another protocol than HTTP`);
    }
    if (this.allowList.covers(host, port)) return;
    const literal = isIP(host) !== 0;
    const why = literal ? whyNotPublic(host) : whyNotPublicName(host);
    if (why) throw refusal(literal ? 'address' : 'host', `${host} is ${why}`);
  }

  /**
   * Judges an address that is about to be dialled for a URL that {@link check} let through.
   * @throws CallbackUrlRefused, without naming the address: the caller must not learn what internal names resolve to.
   */
  checkAddress(address: string, url: URL): void {
    if (this.isDemoOrigin(url) && isLoopback(address)) return;
    const host = hostOf(url);
    if (host === address && this.options.openedReceivers?.isReceiverOrigin(url)) return;
    const port = portOf(url);
    if (this.allowList.covers(host, port) || this.allowList.covers(address, port)) return;
    const why = whyNotPublic(address);
    if (why) throw refusal('address', host === address ? `${host} is ${why}` : `${host} resolves to ${why}`);
  }

  private isDemoOrigin(url: URL): boolean {
    const { demoReceiver } = this.options;
    return url.protocol === 'http:' && portOf(url) === demoReceiver?.port && DEMO_RECEIVER_HOSTS.has(hostOf(url));
  }
}
