import { type AddressInfo, createServer } from 'node:net';

/**
 * Answers every POST with 204, or a random share of them (first argument, 0 to 1) with 500. It parses as little as it
 * can, so that the sender is the bottleneck. A message N makes it report when N more requests have arrived.
 */
const ANSWER = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n');
const FAILURE = Buffer.from('HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n');
const ERROR_RATE = Number(process.argv[2] ?? 0);
const HEAD_END = '\r\n\r\n';
let expected = 0;

process.on('message', (count: number) => (expected = count));
process.on('disconnect', () => process.exit());

function received(): void {
  if (--expected === 0) process.send?.('all');
}

const server = createServer((socket) => {
  let text = '';
  socket.setNoDelay(true).setEncoding('latin1');
  socket.on('error', () => undefined);
  socket.on('data', (chunk: string) => {
    text += chunk;
    for (let end = endOfRequest(text); end > 0; end = endOfRequest(text)) {
      text = text.slice(end);
      socket.write(Math.random() < ERROR_RATE ? FAILURE : ANSWER);
      received();
    }
  });
});

/** Index after the first request in the text; 0 while that request is incomplete. */
function endOfRequest(text: string): number {
  const head = text.indexOf(HEAD_END);
  if (head < 0) return 0;
  const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? 0);
  const end = head + HEAD_END.length + length;
  return end <= text.length ? end : 0;
}

server.listen(0, '127.0.0.1', () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`);
});
