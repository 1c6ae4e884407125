import type { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { clientNetwork, isOnThisMachine } from './client-network.js';

describe('clientNetwork', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8:1::3', '2001:db8:1:0::/64'],
    ['2001:db8::192.0.2.7', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['not an address', 'not an address'],
    [undefined, ''],
  ])('%s counts as %s', (address, network) => {
    expect(clientNetwork(address)).toBe(network);
  });
});

describe('isOnThisMachine', () => {
  const from = (remoteAddress: string | undefined, headers = {}) =>
    isOnThisMachine({ socket: { remoteAddress } as Socket, headers });

  it.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])('is true for %s', (address) =>
    expect(from(address)).toBe(true),
  );

  it.each(['192.0.2.7', '::ffff:192.0.2.7', '2001:db8::1', undefined])('is false for %s', (address) =>
    expect(from(address)).toBe(false),
  );

  it.each(['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'])('is false with %s, whatever its value', (name) => {
    for (const value of ['127.0.0.1', '::1', '192.0.2.7', '']) expect(from('127.0.0.1', { [name]: value })).toBe(false);
  });
});
