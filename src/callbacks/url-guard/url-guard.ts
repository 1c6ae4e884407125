import { isIP } from 'node:net';
import { LRUCache } from 'lru-cache';
import { AllowList } from './allow-list.js';
import { CallbackUrlRefused } from './callback-url-refused.js';
import { destination, hostOf, parseCallbackUrl, portOf } from './callback-url.js';
import type { OpenedReceivers } from './opened-receivers.js';
import { isLoopback, whyNotPublic } from './special-addresses.js';
import { whyNotPublicName } from './special-names.js';

/** Accepted URLs and destinations kept in memory, so that most callbacks are neither parsed nor judged again. */
const MAX_REMEMBERED = 1_000;

/**
 * Ports that browsers refuse, because another protocol listens there and could mistake an HTTP request for its own.
 * Fetch standard, "bad port": https://fetch.spec.whatwg.org/#port-blocking
 */
const BAD_PORTS = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
  6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10_080,
]);

/** Path of the demo receiver, the only one of this host that callbacks may call without `CALLBACK_ALLOW`. */
const DEMO_RECEIVER_PATH = '/api/callbacks/receive';
const DEMO_RECEIVER_HOSTS = new Set(['localhost', '127.0.0.1', '::1']);

export interface UrlGuardOptions {
  /** Entries of `CALLBACK_ALLOW`: `CIDR`, address, `host`, `host:port`, `[address]:port`. */
  allow: string[];
  /** Allows the demo receiver. Its port is read at every check, since it is known only once the server listens. */
  demoReceiver?: { readonly port: number };
  /** Allows the receiver of the load test in progress, at the address and path that it registered. */
  openedReceivers?: OpenedReceivers;
}

/**
 * Decides which URLs callbacks may go to, without I/O. {@link check} runs when a URL is accepted and before every attempt,
 * {@link checkAddress} for every resolved address when it is dialled.
 */
export class UrlGuard {
  private readonly allowList: AllowList;
  /** Accepted URLs by their text, except those that are allowed for a time only. */
  private readonly accepted = new LRUCache<string, Readonly<URL>>({ max: MAX_REMEMBERED });
  /** Accepted destinations: {@link judge} depends on nothing else. */
  private readonly acceptedDestinations = new LRUCache<string, true>({ max: MAX_REMEMBERED });

  /** @throws ConfigError naming the first malformed entry of `allow`. */
  constructor(private readonly options: UrlGuardOptions) {
    this.allowList = new AllowList(options.allow);
  }

  /** Must be awaited before {@link check}. Reads the load test in progress if the URL has the form of its receiver. */
  lookUp(text: string): Promise<void> {
    return this.options.openedReceivers?.lookUp(text) ?? Promise.resolve();
  }

  /**
   * Checks a callback URL.
   * @returns Its normal form without a fragment, which may be stored and called.
   * @throws CallbackUrlRefused
   */
  check(text: string): Readonly<URL> {
    const known = this.accepted.get(text);
    if (known) return known;
    const url = parseCallbackUrl(text);
    const to = destination(url);
    if (!this.acceptedDestinations.get(to)) {
      if (this.isDemoOrigin(url) && url.pathname === DEMO_RECEIVER_PATH) return url;
      if (this.options.openedReceivers?.isReceiver(url)) return url;
      this.judge(hostOf(url), portOf(url));
      this.acceptedDestinations.set(to, true);
    }
    this.accepted.set(text, url);
    return url;
  }

  /**
   * Checks an address before it is dialled for a URL that passed {@link check}.
   * @throws CallbackUrlRefused, without the address: the caller must not learn the addresses of internal names.
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

  private judge(host: string, port: number): void {
    if (BAD_PORTS.has(port) && !this.allowList.namesPort(host, port)) {
      throw new CallbackUrlRefused('port', `The callback URL's port ${port} belongs to another protocol than HTTP`);
    }
    if (this.allowList.covers(host, port)) return;
    const isLiteral = isIP(host) !== 0;
    const why = isLiteral ? whyNotPublic(host) : whyNotPublicName(host);
    if (why) throw refusal(isLiteral ? 'address' : 'host', `${host} is ${why}`);
  }

  private isDemoOrigin(url: URL): boolean {
    const { demoReceiver } = this.options;
    return url.protocol === 'http:' && portOf(url) === demoReceiver?.port && DEMO_RECEIVER_HOSTS.has(hostOf(url));
  }
}

function refusal(reason: 'host' | 'address', flaw: string): CallbackUrlRefused {
  return new CallbackUrlRefused(
    reason,
    `The callback URL's host ${flaw}; only public hosts and those in CALLBACK_ALLOW may be called`,
  );
}
