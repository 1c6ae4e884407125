import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { ConfigError } from '../../platform/config/config.js';
import { addBlock, listHolds } from './special-addresses.js';

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const HOST_NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`);
/** A last label of digits, or `0x…`, makes the URL parser read a number (WHATWG URL, "ends in a number"). */
const ENDS_IN_NUMBER = /(^|\.)(\d+|0x[0-9a-f]*)$/;

/** Whether the text is a host name in lower case, without a trailing dot (RFC 1123 section 2.1, and underscores). */
export function isHostName(text: string): boolean {
  return HOST_NAME.test(text) && !ENDS_IN_NUMBER.test(text);
}

/** One entry of `CALLBACK_ALLOW`: a name, or a block of addresses, on one port or on all. */
class Opening {
  constructor(
    private readonly target: string | BlockList,
    readonly port?: number,
  ) {}

  /** @param host a name or an address. An address is never looked up by name, nor a name by address. */
  covers(host: string, port: number): boolean {
    if (this.port !== undefined && this.port !== port) return false;
    return typeof this.target === 'string' ? this.target === host : listHolds(this.target, host);
  }
}

function blockOpening(block: string, port?: number): Opening {
  const list = new BlockList();
  addBlock(list, block);
  return new Opening(list, port);
}

/** @returns `null` when the entry is none of the allowed forms. */
function parseOpening(entry: string): Opening | null {
  const [, base = '', prefix] = /^([^/]+)\/(\d{1,3})$/.exec(entry) ?? [];
  if (prefix !== undefined) {
    const longest = isIPv4(base) ? 32 : isIPv6(base) && !base.includes('%') ? 128 : -1;
    return Number(prefix) <= longest ? blockOpening(entry) : null;
  }
  if (isIP(entry) && !entry.includes('%')) return blockOpening(entry);

  const [, bracketed, plain = '', portText] = /^(?:\[([^\]%]+)\]|([^:[\]/]+))(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && (port < 1 || port > 65_535)) return null;
  if (bracketed !== undefined) return isIPv6(bracketed) ? blockOpening(bracketed, port) : null;
  if (isIPv4(plain)) return blockOpening(plain, port);
  const name = domainToASCII(plain).replace(/\.$/, '');
  return isHostName(name) ? new Opening(name, port) : null;
}

/** What the operator opened with `CALLBACK_ALLOW`; the one exception to the callback URL guard's rules. */
export class AllowList {
  private readonly openings: Opening[];

  /** @throws ConfigError naming the first entry that is malformed. */
  constructor(entries: string[]) {
    this.openings = entries.map((entry) => {
      const opening = parseOpening(entry);
      if (opening) return opening;
      throw new ConfigError(
        `CALLBACK_ALLOW entry ${JSON.stringify(entry)} is not valid: it must be a CIDR such as 10.0.0.0/8, ` +
          'an address, a host, or host:port ([address]:port for IPv6)',
      );
    });
  }

  covers(host: string, port: number): boolean {
    return this.openings.some((opening) => opening.covers(host, port));
  }

  /** Whether an entry names this very port, which also opens a port that is otherwise never called. */
  namesPort(host: string, port: number): boolean {
    return this.openings.some((opening) => opening.port === port && opening.covers(host, port));
  }
}
