import type { IncomingMessage } from 'node:http';
import { isIP, isIPv4 } from 'node:net';
import { isLoopbackHost } from '../platform/config/loopback.js';

/**
 * The network that rate limits count by: the address itself for IPv4, the /64 for IPv6, because a subscriber gets a whole
 * one (RFC 6177) and could use 2^64 addresses. Returns text that is not an address unchanged.
 */
export function clientNetwork(address: string | undefined): string {
  const bare = address?.split('%')[0] ?? '';
  if (isIP(bare) !== 6) return bare;
  const groups = groupsOf(bare);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return [groups[6]! >> 8, groups[6]! & 0xff, groups[7]! >> 8, groups[7]! & 0xff].join('.');
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/** The network of `::1`. */
const LOOPBACK_NETWORK = clientNetwork('::1');

/** Whether a network, as {@link clientNetwork} returns it, is this machine. */
export function isLoopbackNetwork(network: string): boolean {
  return isLoopbackHost(network) || network === LOOPBACK_NETWORK;
}

/** Headers that proxies add to what they forward. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

/**
 * Whether a program on this machine sent a request itself. One that a proxy forwarded, also a proxy on this machine, comes from
 * somewhere else; a client can write any address into the headers that `TRUST_PROXY` reads.
 */
export function isOnThisMachine({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): boolean {
  return (
    isLoopbackNetwork(clientNetwork(socket.remoteAddress)) && FORWARDED.every((name) => headers[name] === undefined)
  );
}

/** The eight groups of a valid IPv6 address (RFC 4291, section 2.2). */
function groupsOf(address: string): number[] {
  const [left = [], right] = address.split('::').map((side) => side.split(':').filter(Boolean).flatMap(numbersOf));
  return right ? [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right] : left;
}

function numbersOf(group: string): number[] {
  if (!isIPv4(group)) return [Number.parseInt(group, 16)];
  const [a, b, c, d] = group.split('.').map(Number) as [number, number, number, number];
  return [(a << 8) | b, (c << 8) | d];
}
