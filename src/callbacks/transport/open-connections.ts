import type { Socket } from 'node:net';
import type { Client } from 'undici';

/**
 * Bounds the connections of a process, those included that are kept open and idle: for a new one an idle one is closed. So
 * there are no more than the limit, or than attempts that are under way, should those be more for a moment (pings have no slot).
 */
export class OpenConnections {
  /** In the order of their dials; null while it is being dialled. */
  private readonly sockets = new Map<Client, Socket | null>();

  constructor(private readonly limit: number) {}

  /** Somebody is about to dial: closes idle connections while there are more than there may be. */
  dial(client: Client): void {
    this.sockets.set(client, null);
    for (const [other, socket] of this.sockets) {
      if (this.sockets.size <= this.limit) return;
      if (!socket || other.stats.size > 0) continue;
      this.sockets.delete(other);
      socket.destroy();
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
