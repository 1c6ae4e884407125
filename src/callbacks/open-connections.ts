import type { Socket } from 'node:net';
import type { Client } from 'undici';

/**
 * Bounds the connections of a process, those included that are kept open and idle. As many attempts as connections are under
 * way at the most, so where there is no room one of them is idle.
 */
export class OpenConnections {
  /** In the order of their dials; null while it is being dialled. */
  private readonly sockets = new Map<Client, Socket | null>();

  /** @param limit As many connections, and no fewer than attempts that may be under way. */
  constructor(private readonly limit: number) {}

  /** Somebody is about to dial: closes an idle connection if there are as many as there may be. */
  dial(client: Client): void {
    this.sockets.set(client, null);
    if (this.sockets.size <= this.limit) return;
    for (const [other, socket] of this.sockets) {
      if (!socket || other.stats.size > 0) continue;
      this.sockets.delete(other);
      socket.destroy();
      return;
    }
  }

  /** What came of it: a socket, or none. */
  dialled(client: Client, socket: Socket | null): void {
    if (!socket) {
      this.sockets.delete(client);
      return;
    }
    this.sockets.set(client, socket);
    socket.once('close', () => {
      if (this.sockets.get(client) === socket) this.sockets.delete(client);
    });
  }
}
