import { BlockList } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CallbackUrlRefused } from './callback-url-refused.js';
import { UrlGuard } from './url-guard.js';

const guard = new UrlGuard({ allow: [] });

/** The refusal, or null. Any other error is a bug and is thrown. */
function refusal(act: () => unknown): CallbackUrlRefused | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof CallbackUrlRefused) return error;
    throw error;
  }
}
const refusalOf = (url: string) => refusal(() => guard.check(url))?.reason ?? null;

/** Every block that the guard must refuse, copied from the registries instead of the source. */
const BLOCKED_IPV4 = [
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24',
  '192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24',
  '203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32',
].flatMap((line) => line.split(' '));
const BLOCKED_IPV6 = [
  '::/8 100::/64 100:0:0:1::/64 64:ff9b::/96 64:ff9b:1::/48 2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48',
  '3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8 4000::/3 8000::/1',
].flatMap((line) => line.split(' '));

const blockedIpv4 = new BlockList();
for (const block of BLOCKED_IPV4) {
  const [address = '', prefix] = block.split('/');
  blockedIpv4.addSubnet(address, Number(prefix), 'ipv4');
}

const dotted = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');
const ipv4Number = (address: string) => address.split('.').reduce((value, byte) => value * 256 + Number(byte), 0);

/** Any address of a block: its prefix, then random bits. */
const inIpv4Block = fc
  .constantFrom(...BLOCKED_IPV4)
  .chain((block) => {
    const [address = '', prefix] = block.split('/');
    const size = 2 ** (32 - Number(prefix));
    return fc.integer({ min: 0, max: size - 1 }).map((offset) => ipv4Number(address) + offset);
  })
  .map(dotted);

const groups = (bits: bigint) =>
  [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => ((bits >> shift) & 0xffffn).toString(16)).join(':');

function ipv6Number(address: string): bigint {
  const [head = '', tail = ''] = address.split('::');
  const [before, after] = [head, tail].map((part) => part.split(':').filter(Boolean));
  const zeros = Array<string>(8 - before!.length - after!.length).fill('0');
  return [...before!, ...zeros, ...after!].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

const inIpv6Block = fc
  .constantFrom(...BLOCKED_IPV6)
  .chain((block) => {
    const [address = '', prefix] = block.split('/');
    const max = (1n << (128n - BigInt(prefix!))) - 1n;
    return fc.bigInt({ min: 0n, max }).map((offset) => ipv6Number(address) | offset);
  })
  .map(groups);

const randomCase = (text: string) =>
  fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((upper) => Array.from(text, (c, i) => (upper[i] ? c.toUpperCase() : c)).join(''));
const hex = (value: number) => `0x${value.toString(16)}`;
const octal = (value: number) => `0${value.toString(8)}`;
const radix = fc.constantFrom(String, hex, octal, (value: number) => `0x000${value.toString(16)}`);

/** One to four parts, each with its own radix; the last part has the remaining bytes (inet_aton). */
const numeric = (address: string) =>
  fc.tuple(fc.integer({ min: 1, max: 4 }), fc.array(radix, { minLength: 4, maxLength: 4 })).chain(([parts, write]) => {
    const bytes = address.split('.').map(Number);
    const last = bytes.slice(parts - 1).reduce((value, byte) => value * 256 + byte, 0);
    const values = [...bytes.slice(0, parts - 1), last];
    return randomCase(values.map((value, i) => write[i]!(value)).join('.'));
  });

/** Characters that UTS #46 maps to ASCII or that the parser percent-decodes. */
const disguised = (text: string) =>
  fc
    .array(fc.constantFrom('plain', 'wide', 'percent', 'wide-percent'), {
      minLength: text.length,
      maxLength: text.length,
    })
    .map((how) =>
      Array.from(text, (c, i) => {
        const wide = c === '.' ? '。' : String.fromCodePoint(c.codePointAt(0)! + 0xfee0);
        if (how[i] === 'wide') return wide;
        if (how[i] === 'wide-percent') return encodeURIComponent(wide);
        return how[i] === 'percent' ? `%${c.codePointAt(0)!.toString(16)}` : c;
      }).join(''),
    );

const embedded = (address: string) => {
  const value = ipv4Number(address);
  const [high, low] = [(value >>> 16).toString(16), (value & 0xffff).toString(16)];
  return fc.constantFrom(
    ...['::', '::ffff:', '::ffff:0:', '64:ff9b::', '64:ff9b:1::', '2606:4700::5efe:', '2606:4700::200:5efe:'].flatMap(
      (prefix) => [`[${prefix}${address}]`, `[${prefix}${high}:${low}]`],
    ),
    `[2002:${high}:${low}::1]`,
    `[2001:0:${high}:${low}::1]`,
  );
};

const spelling = (address: string) =>
  fc.oneof(
    numeric(address),
    numeric(address).map((text) => `${text}.`),
    numeric(address).chain(disguised),
    embedded(address).chain(randomCase),
  );

describe('the callback URL guard, for any spelling', () => {
  it('refuses every spelling of a blocked IPv4 address', () => {
    fc.assert(
      fc.property(
        inIpv4Block.chain(spelling),
        fc.constantFrom('', ':80', ':8080'),
        (host, port) =>
          refusalOf(`http://${host}${port}/`) === 'address' && refusalOf(`HTTPS://${host}${port}`) === 'address',
      ),
      { numRuns: 5_000 },
    );
  });

  it('refuses every address of every blocked block, in a URL and at the dial', () => {
    const url = new URL('http://example.com/');
    fc.assert(
      fc.property(fc.oneof(inIpv4Block, inIpv6Block), (address) => {
        expect(refusal(() => guard.checkAddress(address, url))!.message).not.toContain(address);
        return refusalOf(`http://${address.includes(':') ? `[${address}]` : address}/`) === 'address';
      }),
      { numRuns: 5_000 },
    );
  });

  it.each(BLOCKED_IPV4)('refuses %s exactly up to its edges', (block) => {
    const [address = '', prefix] = block.split('/');
    const first = ipv4Number(address);
    const last = first + 2 ** (32 - Number(prefix)) - 1;
    for (const edge of [first, last]) expect(refusalOf(`http://${dotted(edge)}/`)).toBe('address');
    for (const beyond of [first - 1, last + 1].filter((value) => value >= 0 && value < 2 ** 32)) {
      const isBlocked = blockedIpv4.check(dotted(beyond));
      expect(refusalOf(`http://${dotted(beyond)}/`)).toBe(isBlocked ? 'address' : null);
    }
  });

  it('accepts every other IPv4 address', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(dotted), (address) => {
        fc.pre(!blockedIpv4.check(address));
        return refusalOf(`http://${address}/hook`) === null;
      }),
      { numRuns: 5_000 },
    );
  });

  it('accepts global unicast IPv6', () => {
    const max = (1n << 112n) - 1n;
    const prefixes = fc.constantFrom('2003::', '2400::', '2606::', '2a00::', '2c0f::');
    fc.assert(
      fc.property(prefixes, fc.bigInt({ min: 0n, max }), (prefix, rest) => {
        fc.pre(((rest >> 32n) & 0xfdff_ffffn) !== 0x5efen);
        return refusalOf(`http://[${groups(ipv6Number(prefix) | rest)}]/`) === null;
      }),
    );
  });
});
