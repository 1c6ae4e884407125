import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { clientNetwork, isLoopbackNetwork } from '../../http/client-network.js';

/** Connections of one process. Further ones are closed at once, because an idle connection costs memory too. */
const MAX_CONNECTIONS = 10_000;
/** Connections of one client network, so that one client cannot use up all of them. */
const MAX_NETWORK_CONNECTIONS = 1_000;
/** Time without progress after which a response that its client does not read is ended. */
const WRITE_TIMEOUT_MS = 30_000;

/**
 * Limits the connections of the process and of each client network. Loopback is exempt.
 * @param isProxied Whether clients connect through a proxy, whose network would count for all of them.
 */
export function limitConnections(server: Server, isProxied: boolean, maxPerNetwork = MAX_NETWORK_CONNECTIONS): void {
  server.maxConnections = MAX_CONNECTIONS;
  if (isProxied) return;
  const connections = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const network = clientNetwork(socket.remoteAddress);
    if (isLoopbackNetwork(network)) return;
    const count = (connections.get(network) ?? 0) + 1;
    if (count > maxPerNetwork) {
      socket.destroy();
      return;
    }
    connections.set(network, count);
    socket.once('close', () => {
      const left = connections.get(network)! - 1;
      if (left > 0) connections.set(network, left);
      else connections.delete(network);
    });
  });
}

/**
 * Ends connections whose client does not read its response. A response that has nothing to send, such as an idle event
 * stream or a sync request that waits for its report, may take any time.
 */
export function endUnreadResponses(server: Server, timeoutMs = WRITE_TIMEOUT_MS): void {
  server.timeout = timeoutMs;
  // Emitted after this time without a byte read or written, and after the keep-alive timeout of an idle connection.
  server.on('timeout', (socket: Socket) => {
    const response = Reflect.get(socket, '_httpMessage') as ServerResponse | null | undefined;
    if (!response || socket.writableLength > 0) socket.destroy();
  });
}
