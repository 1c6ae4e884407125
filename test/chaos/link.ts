import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

/** A TCP proxy to a loopback port. It can refuse connections or stop forwarding. */
export class Link {
  /** The connection of each client, and the one to the server; null before that is opened. */
  private readonly connections = new Map<Socket, Socket | null>();
  private state: 'open' | 'refused' | 'silent' = 'open';
  private readonly server = createServer((client) => this.accept(client));

  constructor(private readonly toPort: number) {}

  /** Starts the proxy. Returns the port to use instead of the server's. */
  async listen(): Promise<number> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  /** `refused` resets every connection, old and new. `silent` keeps them open and forwards nothing. */
  cut(how: 'refused' | 'silent'): void {
    this.state = how;
    for (const [client, upstream] of this.connections) {
      if (how === 'refused') client.resetAndDestroy();
      else hold(client, upstream);
    }
  }

  /** Forwards again, including the bytes that were held back. */
  mend(): void {
    this.state = 'open';
    for (const client of this.connections.keys()) this.join(client);
  }

  close(): void {
    this.server.close();
    for (const client of this.connections.keys()) client.destroy();
  }

  private accept(client: Socket): void {
    client.on('error', () => undefined);
    if (this.state === 'refused') return void client.resetAndDestroy();
    this.connections.set(client, null);
    client.on('close', () => {
      this.connections.get(client)?.destroy();
      this.connections.delete(client);
    });
    if (this.state === 'open') this.join(client);
  }

  private join(client: Socket): void {
    const upstream = this.connections.get(client) ?? connect(this.toPort, '127.0.0.1');
    if (!this.connections.get(client)) {
      this.connections.set(client, upstream);
      upstream.on('error', () => undefined).on('close', () => client.destroy());
    }
    client.pipe(upstream).pipe(client);
  }
}

function hold(client: Socket, upstream: Socket | null): void {
  for (const socket of [client, upstream]) socket?.unpipe().pause();
}
