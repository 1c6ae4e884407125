import { BlockList } from 'node:net';
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { addBlock, listHolds } from './special-addresses.js';

/** The interfaces of this host, as `os.networkInterfaces()` has them. */
export type Interfaces = () => NodeJS.Dict<Pick<NetworkInterfaceInfo, 'address' | 'cidr'>[]>;

/** How long the addresses are kept. An interface may come up at any time. */
const KEPT_MS = 2_000;

/**
 * The addresses of this host's interfaces, and their networks. Public ones count too: a firewall before this host does not protect
 * its services, and those of its neighbours, from the host itself.
 */
export class OwnNetworks {
  private known: { list: BlockList; untilMs: number } | undefined;

  constructor(private readonly interfaces: Interfaces = networkInterfaces) {}

  holds(address: string): boolean {
    const nowMs = performance.now();
    if (!this.known || nowMs >= this.known.untilMs) this.known = { list: this.read(), untilMs: nowMs + KEPT_MS };
    return listHolds(this.known.list, address);
  }

  private read(): BlockList {
    const list = new BlockList();
    for (const { address, cidr } of Object.values(this.interfaces()).flatMap((found) => found ?? [])) {
      // A zone names an interface, and no receiver is behind one.
      if (address.includes('%')) continue;
      addBlock(list, address);
      // A prefix of 0 is that of a tunnel which routes everything; its network is the whole internet.
      if (cidr && !cidr.endsWith('/0')) addBlock(list, cidr);
    }
    return list;
  }
}
