import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { ConfigError } from '../../platform/config/config.js';
import { addBlock, listHolds } from './special-addresses.js';

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const HOST_NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`);
/** A last label of digits, or `0x…`, makes the URL parser read a number (WHATWG URL, "ends in a number"). */
const ENDS_IN_NUMBER = /(^|\.)(\d+|0x[0-9a-f]*)$/;

/** Whether the text is a host name in lower case without a trailing dot (RFC 1123 section 2.1, plus underscores). */
export function isHostName(text: string): boolean {
  return HOST_NAME.test(text) && !ENDS_IN_NUMBER.test(text);
}

/** An entry of `CALLBACK_ALLOW` or `CALLBACK_DENY`: a name or a block of addresses, on one port or all. */
class TargetEntry {
  constructor(
    private readonly target: string | BlockList,
    readonly port?: number,
  ) {}

  /** Whether it is a block of addresses, into which any name may resolve. */
  isBlockOn(port: number): boolean {
    return typeof this.target !== 'string' && (this.port === undefined || this.port === port);
  }

  /** @param host A name or an address. Names match only names, addresses only blocks. */
  covers(host: string, port: number): boolean {
    if (this.port !== undefined && this.port !== port) return false;
    return typeof this.target === 'string' ? this.target === host : listHolds(this.target, host);
  }
}

function blockEntry(block: string, port?: number): TargetEntry {
  const list = new BlockList();
  addBlock(list, block);
  return new TargetEntry(list, port);
}

/** @returns Null when the entry has none of the allowed forms. */
function parseEntry(entry: string): TargetEntry | null {
  const [, base = '', prefix] = /^([^/]+)\/(\d{1,3})$/.exec(entry) ?? [];
  if (prefix !== undefined) {
    const longest = isIPv4(base) ? 32 : isIPv6(base) && !base.includes('%') ? 128 : -1;
    return Number(prefix) <= longest ? blockEntry(entry) : null;
  }
  if (isIP(entry) && !entry.includes('%')) return blockEntry(entry);

  const [, bracketed, plain = '', portText] = /^(?:\[([^\]%]+)\]|([^:[\]/]+))(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && (port < 1 || port > 65_535)) return null;
  if (bracketed !== undefined) return isIPv6(bracketed) ? blockEntry(bracketed, port) : null;
  if (isIPv4(plain)) return blockEntry(plain, port);
  const name = domainToASCII(plain).replace(/\.$/, '');
  return isHostName(name) ? new TargetEntry(name, port) : null;
}

/** The setting that a list of targets comes from. */
export type TargetSetting = 'CALLBACK_ALLOW' | 'CALLBACK_DENY';

/** The entries of `CALLBACK_ALLOW` or `CALLBACK_DENY`, the operator's exceptions to the rules of the URL guard. */
export class TargetList {
  private readonly entries: TargetEntry[];

  /** @throws ConfigError naming the first malformed entry. */
  constructor(entries: string[], setting: TargetSetting) {
    this.entries = entries.map((text) => {
      const entry = parseEntry(text);
      if (entry) return entry;
      throw new ConfigError(
        `${setting} entry ${JSON.stringify(text)} is not valid: it must be a CIDR such as 10.0.0.0/8, ` +
          'an address, a host, or host:port ([address]:port for IPv6)',
      );
    });
  }

  covers(host: string, port: number): boolean {
    return this.entries.some((entry) => entry.covers(host, port));
  }

  /** Whether a name may be covered by the addresses that it resolves to. */
  mayCoverNames(port: number): boolean {
    return this.entries.some((entry) => entry.isBlockOn(port));
  }

  /** Whether an entry names this port. Only such an entry allows a bad port. */
  namesPort(host: string, port: number): boolean {
    return this.entries.some((entry) => entry.port === port && entry.covers(host, port));
  }
}
