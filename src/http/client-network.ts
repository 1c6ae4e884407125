import { isIP, isIPv4 } from 'node:net';

/**
 * Whom an address counts as: an IPv4 address for itself, an IPv6 address for its /64, because that is what one
 * subscriber gets (RFC 6177) and a caller with 2^64 addresses has no limit. What is no address counts as it is written.
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

/** The eight numbers of a valid IPv6 address (RFC 4291, 2.2). */
function groupsOf(address: string): number[] {
  const [left = [], right] = address.split('::').map((side) => side.split(':').filter(Boolean).flatMap(numbersOf));
  return right ? [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right] : left;
}

function numbersOf(group: string): number[] {
  if (!isIPv4(group)) return [Number.parseInt(group, 16)];
  const [a, b, c, d] = group.split('.').map(Number) as [number, number, number, number];
  return [(a << 8) | b, (c << 8) | d];
}
