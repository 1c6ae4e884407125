import { isIP } from 'node:net';
import { LRUCache } from 'lru-cache';
import { CallbackUrlRefused } from './callback-url-refused.js';
import { destination, hostOf, parseCallbackUrl, portOf } from './callback-url.js';
import { isLocalhost, LOCALHOST_ADDRESSES } from '../name-lookup/name-lookup.js';
import { type Interfaces, OwnNetworks } from './own-networks.js';
import { TargetList } from './target-list.js';
import type { OpenedReceivers } from './opened-receivers.js';
import { isLoopback, whyNotPublic } from './special-addresses.js';
import { mayBeLocalName, whyNotPublicName } from './special-names.js';

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
  /** Entries of `CALLBACK_DENY`, of the same forms. They win over everything that allows a target. */
  deny?: string[];
  /** Default: those of this host. */
  interfaces?: Interfaces;
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
  private readonly allowList: TargetList;
  private readonly denyList: TargetList;
  private readonly ownNetworks: OwnNetworks;
  /** Accepted URLs by their text, except those that are allowed for a time only. */
  private readonly accepted = new LRUCache<string, Readonly<URL>>({ max: MAX_REMEMBERED });
  /** Accepted destinations: {@link judge} depends on nothing else. */
  private readonly acceptedDestinations = new LRUCache<string, true>({ max: MAX_REMEMBERED });

  /** @throws ConfigError naming the first malformed entry of `allow` or `deny`. */
  constructor(private readonly options: UrlGuardOptions) {
    this.allowList = new TargetList(options.allow, 'CALLBACK_ALLOW');
    this.denyList = new TargetList(options.deny ?? [], 'CALLBACK_DENY');
    this.ownNetworks = new OwnNetworks(options.interfaces);
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
      this.checkDenied(hostOf(url), portOf(url));
      if (this.isDemoOrigin(url) && url.pathname === DEMO_RECEIVER_PATH) return url;
      if (this.options.openedReceivers?.isReceiver(url)) return url;
      this.judge(hostOf(url), portOf(url));
      this.acceptedDestinations.set(to, true);
    }
    this.accepted.set(text, url);
    return url;
  }

  /**
   * Chooses the addresses that may be dialled for a URL that passed {@link check}: all of them. One blocked address blocks a name, or
   * its owner could find out which addresses are blocked. Only of this host's own names (`localhost`) the others are left out.
   * @throws CallbackUrlRefused, without the address: the caller must not learn the addresses of internal names.
   */
  dialled(addresses: string[], url: URL): string[] {
    if (!isLocalhost(hostOf(url))) {
      for (const address of addresses) this.checkAddress(address, url);
      return addresses;
    }
    const allowed = addresses.filter((address) => this.whyNotDialled(address, url) === null);
    if (allowed.length === 0) for (const address of addresses) this.checkAddress(address, url);
    return allowed;
  }

  /**
   * Checks an address before it is dialled for a URL that passed {@link check}.
   * @throws CallbackUrlRefused, see {@link dialled}
   */
  checkAddress(address: string, url: URL): void {
    const [host, port] = [hostOf(url), portOf(url)];
    if (this.denyList.covers(host, port) || this.denyList.covers(address, port)) throw denied(host);
    const why = this.whyNotDialled(address, url);
    if (why === null) return;
    if (host === address) throw refusal('address', `${host} is ${why}`, host, port);
    throw refusal('address', `${host} resolves to an address that callbacks may not call`, host, port, why);
  }

  /** @returns The reason why an address is not dialled, whatever `CALLBACK_DENY` says; null if it may be. */
  private whyNotDialled(address: string, url: URL): string | null {
    if (this.isDemoOrigin(url) && isLoopback(address)) return null;
    const host = hostOf(url);
    if (host === address && this.options.openedReceivers?.isReceiverOrigin(url)) return null;
    const port = portOf(url);
    if (this.allowList.covers(host, port) || this.allowList.covers(address, port)) return null;
    return this.whyNotAllowed(address);
  }

  private whyNotAllowed(address: string): string | null {
    return (
      whyNotPublic(address) ?? (this.ownNetworks.holds(address) ? 'an address of this host or its networks' : null)
    );
  }

  /** `localhost` counts as its addresses. Other names are judged when they are dialled. */
  private checkDenied(host: string, port: number): void {
    const targets = isLocalhost(host) ? [host, ...LOCALHOST_ADDRESSES] : [host];
    if (targets.some((target) => this.denyList.covers(target, port))) throw denied(host);
  }

  /** Whether a destination (`scheme://host:port`) is this process, whose demo receiver may be called. */
  isDemoDestination(to: string): boolean {
    return this.isDemoOrigin(new URL(to));
  }

  private judge(host: string, port: number): void {
    const isName = isIP(host) === 0;
    const targets = isLocalhost(host) ? [host, ...LOCALHOST_ADDRESSES] : [host];
    if (BAD_PORTS.has(port) && !targets.some((target) => this.allowList.namesPort(target, port))) {
      const flaw = `The callback URL's port ${port} belongs to another protocol than HTTP`;
      throw new CallbackUrlRefused('port', `${flaw}; ${wouldAllow(host, port)}`);
    }
    if (targets.some((target) => this.allowList.covers(target, port))) return;
    // A block covers every name that resolves into it, which shows when the name is dialled.
    if (isName && !isLocalhost(host) && mayBeLocalName(host) && this.allowList.mayCoverNames(port)) return;
    const why = isName ? whyNotPublicName(host) : this.whyNotAllowed(host);
    if (why) throw refusal(isName ? 'host' : 'address', `${host} is ${why}`, host, port);
  }

  private isDemoOrigin(url: URL): boolean {
    const { demoReceiver } = this.options;
    return url.protocol === 'http:' && portOf(url) === demoReceiver?.port && DEMO_RECEIVER_HOSTS.has(hostOf(url));
  }
}

function refusal(
  reason: 'host' | 'address',
  flaw: string,
  host: string,
  port: number,
  forOperators: string | null = null,
): CallbackUrlRefused {
  const rule = 'only public hosts and those in CALLBACK_ALLOW may be called';
  const message = `The callback URL's host ${flaw}; ${rule} (${wouldAllow(host, port)})`;
  const detail = forOperators && `${host} resolves to ${forOperators}`;
  return new CallbackUrlRefused(reason, message, undefined, detail);
}

function denied(host: string): CallbackUrlRefused {
  return new CallbackUrlRefused(
    'host',
    `The callback URL's host ${host} is in CALLBACK_DENY, or resolves to an address in it`,
  );
}

/** The entry that allows a target and nothing else. */
function wouldAllow(host: string, port: number): string {
  return `CALLBACK_ALLOW=${isIP(host) === 6 ? `[${host}]` : host}:${port} would allow it`;
}
