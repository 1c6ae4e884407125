import { BlockList, isIP, isIPv4 } from 'node:net';

/**
 * A family of addresses that no public web server has. `title` completes the sentence "… is …" in a message to callers.
 */
interface Family {
  title: string;
  blocks: string[];
}

/**
 * The IANA IPv4 Special-Purpose Address Registry (RFC 6890 and its updates), multicast and the reserved class E.
 * Entries that the registry lists as globally reachable (AS112, AMT, anycast relays) are refused too: they are
 * infrastructure without callback receivers.
 * https://www.iana.org/assignments/iana-ipv4-special-registry
 */
const IPV4_SPECIAL: Family[] = [
  { title: 'an address of "this network" (RFC 791)', blocks: ['0.0.0.0/8'] },
  { title: 'a private address (RFC 1918)', blocks: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] },
  { title: 'shared address space (RFC 6598)', blocks: ['100.64.0.0/10'] },
  { title: 'a loopback address (RFC 1122)', blocks: ['127.0.0.0/8'] },
  { title: 'a link-local or cloud metadata address (RFC 3927)', blocks: ['169.254.0.0/16'] },
  { title: 'an IETF protocol assignment (RFC 6890)', blocks: ['192.0.0.0/24'] },
  {
    title: 'a documentation address (RFC 5737)',
    blocks: ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'],
  },
  { title: 'an AS112 address (RFC 7534, RFC 7535)', blocks: ['192.31.196.0/24', '192.175.48.0/24'] },
  { title: 'an AMT relay address (RFC 7450)', blocks: ['192.52.193.0/24'] },
  { title: 'a 6to4 relay address (RFC 7526)', blocks: ['192.88.99.0/24'] },
  { title: 'a benchmarking address (RFC 2544)', blocks: ['198.18.0.0/15'] },
  { title: 'a multicast address (RFC 5771)', blocks: ['224.0.0.0/4'] },
  { title: 'a reserved or broadcast address (RFC 1112, RFC 919)', blocks: ['240.0.0.0/4'] },
  // Not in a registry: the address of Azure's host agent, DNS and metadata service in every region.
  // https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
  { title: 'a cloud metadata address (Azure)', blocks: ['168.63.129.16/32'] },
];

/** The only part of IPv6 with public hosts (RFC 4291 section 2.4, IANA IPv6 Address Space). */
const IPV6_GLOBAL_UNICAST = blockList(['2000::/3']);

/**
 * Blocks of the IANA IPv6 Special-Purpose Address Registry inside 2000::/3.
 * https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const IPV6_SPECIAL: Family[] = [
  // Teredo, benchmarking, AMT, AS112, ORCHID, drone identifiers: the whole block that RFC 2928 reserves.
  { title: 'an IETF protocol assignment (RFC 2928)', blocks: ['2001::/23'] },
  { title: 'a documentation address (RFC 3849, RFC 9637)', blocks: ['2001:db8::/32', '3fff::/20'] },
  { title: 'a 6to4 address, which embeds an IPv4 address (RFC 3056)', blocks: ['2002::/16'] },
  { title: 'an AS112 address (RFC 7534)', blocks: ['2620:4f:8000::/48'] },
];

/** Blocks outside 2000::/3, which is refused anyway. Their titles make the message more specific than "not public". */
const IPV6_OUTSIDE: Family[] = [
  { title: 'the unspecified or a loopback address (RFC 4291)', blocks: ['::/128', '::1/128'] },
  {
    // Mapped, compatible, translated (SIIT) and NAT64. On a network that reaches IPv4 only through NAT64, allow
    // 64:ff9b::/96; a translator must not carry it to a private address (RFC 6052 section 3.1).
    title: 'an IPv4 address inside IPv6 (RFC 4291, RFC 2765, RFC 6052, RFC 8215)',
    blocks: ['::ffff:0:0/96', '::/96', '::ffff:0:0:0/96', '64:ff9b::/96', '64:ff9b:1::/48'],
  },
  { title: 'a discard or dummy address (RFC 6666, RFC 9780)', blocks: ['100::/64', '100:0:0:1::/64'] },
  { title: 'a unique local address (RFC 4193)', blocks: ['fc00::/7'] },
  { title: 'a link-local address (RFC 4291)', blocks: ['fe80::/10'] },
  { title: 'a site-local address (RFC 3879)', blocks: ['fec0::/10'] },
  { title: 'a multicast address (RFC 4291)', blocks: ['ff00::/8'] },
];

const LOOPBACK = blockList(['127.0.0.0/8', '::1/128']);

function blockList(blocks: string[]): BlockList {
  const list = new BlockList();
  for (const block of blocks) addBlock(list, block);
  return list;
}

/** @param block A well-formed address or CIDR. */
export function addBlock(list: BlockList, block: string): void {
  const [address = '', prefix] = block.split('/');
  const family = isIPv4(address) ? 'ipv4' : 'ipv6';
  list.addSubnet(address, prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix), family);
}

/** Whether the list contains the address. A mapped `::ffff:a.b.c.d` counts as `a.b.c.d`, which is the same endpoint. */
export function listHolds(list: BlockList, address: string): boolean {
  const version = isIP(address);
  // A zone (`fe80::1%eth0`) names an interface of this host; BlockList would throw on it.
  if (version === 0 || address.includes('%')) return false;
  return list.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

export function isLoopback(address: string): boolean {
  return listHolds(LOOPBACK, address);
}

/** Uses one list for the decision, which runs at every accept, and a list per family for the title. */
function classifier(families: Family[]): (address: string) => string | null {
  const all = blockList(families.flatMap((family) => family.blocks));
  const byFamily = families.map(({ title, blocks }) => ({ title, list: blockList(blocks) }));
  return (address) =>
    listHolds(all, address) ? (byFamily.find(({ list }) => listHolds(list, address))?.title ?? 'not public') : null;
}

const specialIpv4 = classifier(IPV4_SPECIAL);
const specialIpv6 = classifier(IPV6_SPECIAL);
const outsideIpv6 = classifier(IPV6_OUTSIDE);

/**
 * The IPv4 address in an ISATAP interface identifier, `0:5efe` or `200:5efe` before it (RFC 5214 section 6.1).
 * It is the one embedding that any prefix of 2000::/3 can carry.
 */
function isatapIpv4(address: string): string | null {
  const bits = ipv6Bits(address);
  const marker = (bits >> 32n) & 0xffff_ffffn;
  if (marker !== 0x0000_5efen && marker !== 0x0200_5efen) return null;
  return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 0xffn).join('.');
}

/** The 128 bits of an IPv6 address without a zone, parsed by the URL parser (WHATWG URL, "IPv6 parser"). */
function ipv6Bits(address: string): bigint {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const before = head.split(':').filter(Boolean);
  const after = tail?.split(':').filter(Boolean) ?? [];
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

/**
 * @param address A plain IPv4 or IPv6 address without brackets. Any other text is not public.
 * @returns The reason why the address is not public, as words that complete "… is …"; null for a public address.
 */
export function whyNotPublic(address: string): string | null {
  const version = isIP(address);
  if (version === 0 || address.includes('%')) return 'not a plain IP address';
  if (version === 4) return specialIpv4(address);
  if (!listHolds(IPV6_GLOBAL_UNICAST, address)) {
    return outsideIpv6(address) ?? 'outside 2000::/3, the public part of IPv6';
  }
  const embedded = isatapIpv4(address);
  return specialIpv6(address) ?? (embedded && specialIpv4(embedded) && 'an ISATAP address of a private network');
}
