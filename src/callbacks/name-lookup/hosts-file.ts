import { isIP } from 'node:net';

/** The addresses of each name in lower case, in the order of the file. */
export type Hosts = ReadonlyMap<string, readonly string[]>;

/** Parses a hosts file (hosts(5)): `address name alias…`, with comments from `#` on. Lines that are not valid are left out. */
export function parseHosts(text: string): Hosts {
  const hosts = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/s, '').trim().split(/\s+/);
    // A zone (`fe80::1%eth0`) names an interface of this host, which no receiver is behind.
    if (isIP(address) === 0 || address.includes('%')) continue;
    for (const name of names) {
      const key = name.toLowerCase().replace(/\.$/, '');
      const known = hosts.get(key);
      if (!known) hosts.set(key, [address]);
      else if (!known.includes(address)) known.push(address);
    }
  }
  return hosts;
}
