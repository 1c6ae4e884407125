import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * One host with good and bad receivers: `/bad` answers 500, `/drip` sends one byte per second without end, and every
 * other path answers 204.
 */
const DRIP_EVERY_MS = 1_000;

function drip(response: ServerResponse): void {
  response.writeHead(200);
  const timer = setInterval(() => response.write('.'), DRIP_EVERY_MS);
  response.on('close', () => clearInterval(timer));
}

const server = createServer((request, response) => {
  request.on('error', () => undefined).resume();
  if (request.url!.startsWith('/drip')) drip(response);
  else response.writeHead(request.url!.startsWith('/bad') ? 500 : 204).end();
});
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
