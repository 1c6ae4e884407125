// Sends uploads without an API key to a port over many connections until it is killed. The bodies are 1 MiB of nested
// arrays, compressed or not. It is its own process so that it does not slow down the test.
import { connect } from 'node:net';
import { brotliCompressSync } from 'node:zlib';

const CONNECTIONS = 400;
const [, , port] = process.argv;
const nested = Buffer.from('['.repeat(512 * 1024) + ']'.repeat(512 * 1024));
const bomb = brotliCompressSync(nested);

function head(length, fields) {
  const lines = ['POST /api/batch HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', ...fields];
  return Buffer.from([...lines, `Content-Length: ${length}`, '', ''].join('\r\n'));
}

const uploads = [
  Buffer.concat([head(bomb.length, ['Content-Encoding: br']), bomb]),
  Buffer.concat([head(nested.length, []), nested]),
];
let next = 0;

function attack() {
  const socket = connect(Number(port), '127.0.0.1');
  const upload = uploads[next++ % uploads.length];
  const send = () => socket.write(upload);
  socket.on('connect', send);
  socket.on('data', send);
  socket.on('error', () => undefined);
  socket.on('close', () => setImmediate(attack));
}

for (let count = 0; count < CONNECTIONS; count++) attack();
