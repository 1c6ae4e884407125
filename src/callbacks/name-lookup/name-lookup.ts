import type { AccountId } from '../../platform/tenant.js';
import { type DnsAnswer, queryAddresses } from './dns-query.js';
import { parseHosts } from './hosts-file.js';
import { LookupLimiter } from './lookup-limiter.js';
import { ParsedFile } from './parsed-file.js';
import { candidates, parseSearchList } from './search-list.js';

/** Longest time of a lookup, with all names of the search list. */
const LOOKUP_MS = 3_000;
/** Longest wait for another lookup of the same account to end. An ordinary lookup takes a few milliseconds. */
const WAIT_MS = 500;

/** Addresses of `localhost` and of every name under it (RFC 6761 section 6.3), whatever a nameserver says. */
export const LOCALHOST_ADDRESSES: readonly string[] = ['127.0.0.1', '::1'];

/** A name cannot be resolved now. The name's owner is not to blame, and a later lookup may succeed. */
export class NameUnavailable extends Error {
  /** @param isNameDown False when the lookup did not begin, because of other lookups of the account. */
  constructor(
    message: string,
    readonly isNameDown: boolean,
  ) {
    super(message);
  }
}

/** A name has no address: it does not exist, or it has none. */
export class NameNotFound extends Error {
  constructor(
    hostname: string,
    readonly code: string,
  ) {
    super(`The name ${hostname} could not be resolved (${code})`);
  }
}

/** The caller of a lookup. */
export interface LookupCaller {
  /** Lookups are limited per account. */
  account: AccountId;
  /** Ends the lookup. */
  signal: AbortSignal;
}

/**
 * Resolves a name to its addresses, in the order in which they are tried.
 * @throws NameNotFound, NameUnavailable
 */
export type ResolveName = (hostname: string, caller: LookupCaller) => Promise<string[]>;

export interface NameLookupOptions {
  /** Nameservers as `address` or `address:port`; those of the system if there are none. */
  servers?: readonly string[];
  hostsFile?: string;
  resolverFile?: string;
}

export function isLocalhost(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost');
}

/**
 * Resolves names as the system does with `hosts: files dns` (nsswitch.conf(5)): hosts file, then nameservers with the search list of
 * resolv.conf. A lookup ends within seconds, whatever the nameservers do, and occupies no thread.
 */
export class NameLookup {
  private readonly limiter = new LookupLimiter();
  private readonly servers: readonly string[];
  private readonly hosts;
  private readonly searchList;

  constructor({ servers = [], hostsFile = '/etc/hosts', resolverFile = '/etc/resolv.conf' }: NameLookupOptions = {}) {
    this.servers = servers;
    this.hosts = new ParsedFile(hostsFile, parseHosts);
    this.searchList = new ParsedFile(resolverFile, parseSearchList);
  }

  /** See {@link ResolveName}. */
  readonly resolve: ResolveName = async (hostname, { account, signal }) => {
    if (isLocalhost(hostname)) return [...LOCALHOST_ADDRESSES];
    const known = (await this.hosts.read()).get(hostname);
    if (known) return [...known];
    // Such names never exist (RFC 6761 section 6.4), so no nameserver is asked.
    if (hostname.endsWith('.invalid')) throw new NameNotFound(hostname, 'ENOTFOUND');
    if (!(await within(WAIT_MS, signal, (ends) => this.limiter.take(account, ends)))) {
      const why = 'too many other lookups of the account are in progress';
      throw new NameUnavailable(`The name ${hostname} was not looked up: ${why}`, false);
    }
    try {
      return await within(LOOKUP_MS, signal, (ends) => this.search(hostname, ends));
    } finally {
      this.limiter.free(account);
    }
  };

  /** Tries each full name. As in `res_search`, only SERVFAIL lets the search go on after an error that may pass. */
  private async search(hostname: string, signal: AbortSignal): Promise<string[]> {
    const tried: Exclude<DnsAnswer, { addresses: string[] }>[] = [];
    for (const name of candidates(hostname, await this.searchList.read())) {
      const answer = await queryAddresses(name, this.servers, signal);
      if ('addresses' in answer) return answer.addresses;
      tried.push(answer);
      if (!answer.isFinal && answer.code !== 'ESERVFAIL') break;
    }
    const passing = tried.find(({ isFinal }) => !isFinal);
    if (!passing) throw new NameNotFound(hostname, (tried.find(({ code }) => code === 'ENODATA') ?? tried[0]!).code);
    // Our own time limit cancels a query.
    const code = passing.code === 'ECANCELLED' ? 'ETIMEOUT' : passing.code;
    throw new NameUnavailable(`No nameserver resolves ${hostname} (${code})`, true);
  }
}

/** Runs `act` with a signal that ends after `ms` milliseconds, or with the caller's. */
async function within<T>(ms: number, signal: AbortSignal, act: (ends: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const end = (): void => controller.abort();
  const timer = setTimeout(end, ms);
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  try {
    return await act(controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}
