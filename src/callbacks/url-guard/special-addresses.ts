import { BlockList, isIP, isIPv4 } from 'node:net';

/**
 * One family of addresses that no public web server has.
 * `what` completes the sentence "… is …" in a message that callers see.
 */
interface Family {
  what: string;
  blocks: string[];
}

/**
 * The IANA IPv4 Special-Purpose Address Registry (RFC 6890 and its updates), multicast and the reserved class E.
 * Entries that the registry calls globally reachable (AS112, AMT, anycast relays) are refused too: they are
 * infrastructure, and no callback receiver lives there.
 * https://www.iana.org/assignments/iana-ipv4-special-registry
 */
const IPV4_SPECIAL: Family[] = [
  { what: 'an address of "this network" (RFC 791)', blocks: ['0.0.0.0/8'] },
  { what: 'a private address (RFC 1918)', blocks: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] },
  { what: 'shared address space (RFC 6598)', blocks: ['100.64.0.0/10'] },
  { what: 'a loopback address (RFC 1122)', blocks: ['127.0.0.0/8'] },
  { what: 'a link-local or cloud metadata address (RFC 3927)', blocks: ['169.254.0.0/16'] },
  { what: 'an IETF protocol assignment (RFC 6890)', blocks: ['192.0.0.0/24'] },
  {
    what: 'a documentation address (RFC 5737)',
    blocks: ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'],
  },
  { what: 'an AS112 address (RFC 7534, RFC 7535)', blocks: ['192.31.196.0/24', '192.175.48.0/24'] },
  { what: 'an AMT relay address (RFC 7450)', blocks: ['192.52.193.0/24'] },
  { what: 'a 6to4 relay address (RFC 7526)', blocks: ['192.88.99.0/24'] },
  { what: 'a benchmarking address (RFC 2544)', blocks: ['198.18.0.0/15'] },
  { what: 'a multicast address (RFC 5771)', blocks: ['224.0.0.0/4'] },
  { what: 'a reserved or broadcast address (RFC 1112, RFC 919)', blocks: ['240.0.0.0/4'] },
  // Not in a registry: Azure's host agent, DNS and metadata, the same public-looking address in every region.
  // https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
  { what: 'a cloud metadata address (Azure)', blocks: ['168.63.129.16/32'] },
];

/** The only part of IPv6 that holds public hosts (RFC 4291 section 2.4, IANA IPv6 Address Space). */
const IPV6_GLOBAL_UNICAST = blockList(['2000::/3']);

/**
 * What the IANA IPv6 Special-Purpose Address Registry takes out of 2000::/3.
 * https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const IPV6_SPECIAL: Family[] = [
  // Teredo, benchmarking, AMT, AS112, ORCHID, drone identifiers: whole, as RFC 2928 set it aside.
  { what: 'an IETF protocol assignment (RFC 2928)', blocks: ['2001::/23'] },
  { what: 'a documentation address (RFC 3849, RFC 9637)', blocks: ['2001:db8::/32', '3fff::/20'] },
  { what: 'a 6to4 address, which embeds an IPv4 address (RFC 3056)', blocks: ['2002::/16'] },
  { what: 'an AS112 address (RFC 7534)', blocks: ['2620:4f:8000::/48'] },
];

/** Names for what lies outside 2000::/3 anyway; they only make the message say more than "not public". */
const IPV6_OUTSIDE: Family[] = [
  { what: 'the unspecified or a loopback address (RFC 4291)', blocks: ['::/128', '::1/128'] },
  {
    // Mapped, compatible, translated (SIIT) and NAT64. On a network that reaches IPv4 only through NAT64, allow
    // 64:ff9b::/96; a translator must not carry it to a private address (RFC 6052 section 3.1).
    what: 'an IPv4 address inside IPv6 (RFC 4291, RFC 2765, RFC 6052, RFC 8215)',
    blocks: ['::ffff:0:0/96', '::/96', '::ffff:0:0:0/96', '64:ff9b::/96', '64:ff9b:1::/48'],
  },
  { what: 'a discard or dummy address (RFC 6666, RFC 9780)', blocks: ['100::/64', '100:0:0:1::/64'] },
  { what: 'a unique local address (RFC 4193)', blocks: ['fc00::/7'] },
  { what: 'a link-local address (RFC 4291)', blocks: ['fe80::/10'] },
  { what: 'a site-local address (RFC 3879)', blocks: ['fec0::/10'] },
  { what: 'a multicast address (RFC 4291)', blocks: ['ff00::/8'] },
];

const LOOPBACK = blockList(['127.0.0.0/8', '::1/128']);

function blockList(blocks: string[]): BlockList {
  const list = new BlockList();
  for (const block of blocks) addBlock(list, block);
  return list;
}

/** @param block an address or a CIDR, well-formed. */
export function addBlock(list: BlockList, block: string): void {
  const [address = '', prefix] = block.split('/');
  const family = isIPv4(address) ? 'ipv4' : 'ipv6';
  list.addSubnet(address, prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix), family);
}

/** Whether the list holds the address. A mapped `::ffff:a.b.c.d` is the same endpoint as, and counts as, `a.b.c.d`. */
export function listHolds(list: BlockList, address: string): boolean {
  const version = isIP(address);
  // A zone (`fe80::1%eth0`) names an interface of this host; BlockList would throw on it.
  if (version === 0 || address.includes('%')) return false;
  return list.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

export function isLoopback(address: string): boolean {
  return listHolds(LOOPBACK, address);
}

/** One list for the verdict, which is asked on every accept, and the families for the words, which are not. */
function classifier(families: Family[]): (address: string) => string | null {
  const all = blockList(families.flatMap((family) => family.blocks));
  const named = families.map(({ what, blocks }) => ({ what, list: blockList(blocks) }));
  return (address) =>
    listHolds(all, address) ? (named.find(({ list }) => listHolds(list, address))?.what ?? 'not public') : null;
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

/** The 128 bits of an IPv6 address without a zone; the URL parser does the reading (WHATWG URL, "IPv6 parser"). */
function ipv6Bits(address: string): bigint {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const before = head.split(':').filter(Boolean);
  const after = tail?.split(':').filter(Boolean) ?? [];
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

/**
 * Why an address is not one of the public internet, as words that complete "… is …"; `null` for a public address.
 * @param address a plain IPv4 or IPv6 address, without brackets; anything else is not public either.
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
