import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A question to the nameserver. The name is in lower case. */
export interface Question {
  name: string;
  type: 'A' | 'AAAA';
  over: 'udp' | 'tcp';
}

export const SERVFAIL = 2;
export const NXDOMAIN = 3;
export const REFUSED = 5;

/**
 * An answer: addresses (only those of the requested type are sent), a response code, `truncated` (the client must ask
 * over TCP), or `silence`.
 */
export type NameAnswer = string[] | number | 'truncated' | 'silence';

export interface Nameserver {
  /** `address:port`, in the format of `CALLBACK_DNS_SERVERS`. */
  readonly server: string;
  /** All questions so far. */
  readonly questions: Question[];
}

const stops: (() => void)[] = [];
afterAll(() => {
  for (const stop of stops.splice(0)) stop();
});

/** Starts a nameserver on loopback over UDP and TCP. It closes after the test file. */
export async function startNameserver(answer: (question: Question) => NameAnswer): Promise<Nameserver> {
  const questions: Question[] = [];
  const reply = (query: Buffer, over: Question['over']): Buffer | null => {
    const question = { ...questionOf(query), over };
    questions.push(question);
    return response(query, question, answer(question));
  };
  const tcp = createServer((socket) => serveTcp(socket, (query) => reply(query, 'tcp')));
  await once(tcp.listen(0, '127.0.0.1'), 'listening');
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket('udp4').on('message', (query, from) => {
    const message = reply(query, 'udp');
    if (message) udp.send(message, from.port, from.address);
  });
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve));
  stops.push(() => {
    udp.close();
    tcp.close();
  });
  return { server: `127.0.0.1:${port}`, questions };
}

/** Over TCP, each message is preceded by its length (RFC 1035 section 4.2.2). */
function serveTcp(socket: Socket, reply: (query: Buffer) => Buffer | null): void {
  let waiting = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= 2 && waiting.length >= 2 + waiting.readUInt16BE(0)) {
      const end = 2 + waiting.readUInt16BE(0);
      const message = reply(waiting.subarray(2, end));
      waiting = waiting.subarray(end);
      if (message) socket.write(Buffer.concat([uint16(message.length), message]));
    }
  });
}

function questionOf(query: Buffer): Pick<Question, 'name' | 'type'> {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1) === 28 ? 'AAAA' : 'A' };
}

function response(query: Buffer, { type }: Question, answer: NameAnswer): Buffer | null {
  if (answer === 'silence') return null;
  const addresses = Array.isArray(answer) ? answer.filter((address) => isIPv6(address) === (type === 'AAAA')) : [];
  let end = 12;
  while (query[end]! > 0) end += 1 + query[end]!;
  const question = query.subarray(12, end + 5);
  const flags = 0x8180 | (answer === 'truncated' ? 0x0200 : 0) | (typeof answer === 'number' ? answer : 0);
  const header = Buffer.concat([query.subarray(0, 2), ...[flags, 1, addresses.length, 0, 0].map(uint16)]);
  const records = addresses.map((address) => {
    const data = bytesOf(address);
    // A pointer to the name of the question, class IN, TTL 0.
    return Buffer.concat([...[0xc00c, type === 'A' ? 1 : 28, 1, 0, 0, data.length].map(uint16), data]);
  });
  return Buffer.concat([header, question, ...records]);
}

function bytesOf(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string): string[] => text.split(':').filter(Boolean);
  const zeros = Array<string>(8 - groups(head).length - groups(tail).length).fill('0');
  return Buffer.concat([...groups(head), ...zeros, ...groups(tail)].map((group) => uint16(Number.parseInt(group, 16))));
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
