import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below what systems give to whoever asks for any port (from 32768 on Linux): those come back at once, to another test or a
 * connection, also while the server of a port is away to be started again.
 */
const [LOWEST, HIGHEST] = [15_000, 32_000];

/** A port of loopback that nobody listens on right now. */
export async function freePort() {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    await once(server.close(), 'close');
    return port;
  }
}
