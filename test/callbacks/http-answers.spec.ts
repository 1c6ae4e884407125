import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { client, failure, listen, tcp } from './transport-fixture.js';

/**
 * Responses that RFC 9110 and RFC 9112 require a client to accept are accepted. Other responses fail with the reason.
 */
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

const ACCEPTED: [name: string, answer: string, status: number, body: string][] = [
  ['100 Continue', `HTTP/1.1 100 Continue\r\n\r\n${OK}`, 200, 'ok'],
  ['100 with headers', `HTTP/1.1 100 Continue\r\nx: y\r\ncontent-length: 5\r\n\r\n${OK}`, 200, 'ok'],
  ['100 that asks to close', `HTTP/1.1 100 Continue\r\nconnection: close\r\n\r\n${OK}`, 200, 'ok'],
  ['100 of HTTP/1.0', `HTTP/1.0 100 Continue\r\n\r\n${OK}`, 200, 'ok'],
  [
    'several informational responses',
    `HTTP/1.1 100 C\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nlink: </a>\r\n\r\nHTTP/1.1 199\r\n\r\n${OK}`,
    200,
    'ok',
  ],
  ['100 before a failure', 'HTTP/1.1 100 C\r\n\r\nHTTP/1.1 503 S\r\ncontent-length: 0\r\n\r\n', 503, ''],
  ['no reason', 'HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok', 200, 'ok'],
  ['an empty reason', 'HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok', 200, 'ok'],
  ['a later minor version', 'HTTP/1.2 200 OK\r\ncontent-length: 2\r\n\r\nok', 200, 'ok'],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok', 200, 'ok'],
  ['lines that end with LF', 'HTTP/1.1 200 OK\nx: y\ncontent-length: 2\n\nok', 200, 'ok'],
  ['lines with either end', 'HTTP/1.1 200 OK\r\nx: y\ncontent-length: 2\n\r\nok', 200, 'ok'],
  ['an empty line first', `\r\n${OK}`, 200, 'ok'],
  ['a folded header', 'HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\tc\r\ncontent-length: 2\r\n\r\nok', 200, 'ok'],
  ['a folded length', 'HTTP/1.1 200 OK\r\ncontent-length:\r\n 2\r\n\r\nok', 200, 'ok'],
  ['headers in any case', 'HTTP/1.1 200 OK\r\nCONTENT-length: 2\r\nCoNNection: CLOSE\r\n\r\nok', 200, 'ok'],
  ['empty and padded values', 'HTTP/1.1 200 OK\r\nx:\r\ny: \t\r\ncontent-length: \t2 \r\n\r\nok', 200, 'ok'],
  ['space before a colon', 'HTTP/1.1 200 OK\r\nx : y\r\ncontent-length : 2\r\n\r\nok', 200, 'ok'],
  ['control characters in a value', 'HTTP/1.1 200 OK\r\nx: a\x01\0b\rc\r\ncontent-length: 2\r\n\r\nok', 200, 'ok'],
  ['a length twice', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok', 200, 'ok'],
  ['a list of equal lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok', 200, 'ok'],
  ['chunks', `${CHUNKED}1\r\no\r\n01\r\nk\r\n000\r\n\r\n`, 200, 'ok'],
  ['chunks with extensions', `${CHUNKED}2;a=b;c="d e"\r\nok\r\n0;x\r\n\r\n`, 200, 'ok'],
  ['space after the size of a chunk', `${CHUNKED}2 ; a=b\r\nok\r\n0 \r\n\r\n`, 200, 'ok'],
  ['trailers', `${CHUNKED}2\r\nok\r\n0\r\nx: y\r\nz: w\r\n\r\n`, 200, 'ok'],
  ['chunks with LF', `${CHUNKED}2\nok\n0\n\n`, 200, 'ok'],
  [
    'chunks and a length',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\ncontent-length: 9\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    200,
    'ok',
  ],
  ['identity', 'HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\ncontent-length: 2\r\n\r\nok', 200, 'ok'],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n', 204, ''],
  ['204 with a length', 'HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n', 204, ''],
  ['204 with chunks', 'HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n', 204, ''],
  ['304 with a length', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n', 304, ''],
  [
    'an offer to upgrade',
    'HTTP/1.1 200 OK\r\nupgrade: h2c\r\nconnection: upgrade\r\ncontent-length: 2\r\n\r\nok',
    200,
    'ok',
  ],
  ['bytes after its end', `${OK}more`, 200, 'ok'],
  ['no header', 'HTTP/1.1 204 No Content\r\n\r\n', 204, ''],
];

const CLOSED: [name: string, answer: string][] = [
  ['HTTP/1.1', 'HTTP/1.1 200 OK\r\n\r\nok'],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nx: y\r\n\r\nok'],
  ['`Connection: close`', 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nok'],
  ['an unknown coding', 'HTTP/1.1 200 OK\r\ntransfer-encoding: x\r\n\r\nok'],
];

const REFUSED: [why: string, answer: string][] = [
  ['it does not begin with HTTP/', '220 mail.example.com ESMTP\r\n'],
  ['it does not begin with HTTP/', 'http/1.1 200 OK\r\n\r\n'],
  ['it does not begin with HTTP/', '+PONG\r\n'],
  ['the receiver speaks TLS on this port; use https', '\x15\x03\x01\0\x02\x02\x46'],
  ['its version is HTTP/2.0', 'HTTP/2.0 200 OK\r\n'],
  ['its first line is no status line', 'HTTP/1.1  200 OK\r\n'],
  ['its first line is no status line', 'HTTP/1.1 2000 OK\r\n'],
  ['its status is 099', 'HTTP/1.1 099 What\r\n'],
  ['it switches protocols without having been asked to (101)', 'HTTP/1.1 101 Switching\r\n'],
  ['it has several values of Content-Length', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok'],
  ['its Content-Length is not a number', 'HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\nok'],
  ['one of its header lines has no name', 'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n'],
  ['its headers are longer than 16 KiB', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}`],
  ['the size of a chunk is not a number', `${CHUNKED}x\r\n`],
  ['a chunk is longer than its size', `${CHUNKED}1\r\nok\r\n`],
  ['a line between its chunks is too long', `${CHUNKED}1;${'x'.repeat(5_000)}`],
  ['it has too many informational responses', 'HTTP/1.1 102 P\r\n\r\n'.repeat(1_001)],
];

/** Writes each byte in a separate packet. */
async function drip(socket: Socket, text: string): Promise<void> {
  socket.setNoDelay(true);
  for (const byte of Buffer.from(text, 'latin1')) {
    socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('an answer is accepted with', () => {
  it.each(ACCEPTED)('%s', async (_, answer, status, responseBody) => {
    const { port } = await tcp((socket) => socket.write(Buffer.from(answer, 'latin1')));
    expect(await client().post(`http://127.0.0.1:${port}/`)).toMatchObject({ status, responseBody });
  });

  it.each(ACCEPTED)('%s, byte by byte', async (_, answer, status, responseBody) => {
    const { port } = await tcp((socket) => void drip(socket, answer));
    expect(await client().post(`http://127.0.0.1:${port}/`)).toMatchObject({ status, responseBody });
  });

  it.each(CLOSED)('a body that ends with the connection: %s', async (_, answer) => {
    const { port } = await tcp((socket) => socket.end(answer));
    expect(await client().post(`http://127.0.0.1:${port}/`)).toMatchObject({ status: 200, responseBody: 'ok' });
  });

  it('unchanged headers: folded lines are joined, and bytes are Latin-1', async () => {
    const answer =
      'HTTP/1.1 200 OK\r\nX-Folded: a\r\n  b\r\nx-bytes: \xe9\xff\r\nset-cookie: a\r\nset-cookie: b\r\n\r\n';
    const { port } = await tcp((socket) => socket.end(Buffer.from(answer, 'latin1')));
    const { responseHeaders } = await client().post(`http://127.0.0.1:${port}/`);
    expect(responseHeaders).toMatchObject({ 'x-folded': 'a b', 'x-bytes': 'éÿ', 'set-cookie': ['a', 'b'] });
  });

  it('informational responses before each answer of a kept connection', async () => {
    const { port, sockets } = await listen(
      createServer((socket) => socket.on('data', () => socket.write(`HTTP/1.1 100 Continue\r\n\r\n${OK}`))),
    );
    const { post } = client();
    for (let n = 0; n < 5; n += 1) {
      expect(await post(`http://127.0.0.1:${port}/`)).toMatchObject({ status: 200, responseBody: 'ok' });
    }
    expect(sockets).toHaveLength(1);
  });
});

describe('a response is refused, and the message contains the reason:', () => {
  it.each(REFUSED)('%s', async (why, answer) => {
    const { port } = await tcp((socket) => socket.write(Buffer.from(answer, 'latin1')));
    const { kind, message } = await failure(client().post(`http://127.0.0.1:${port}/`));
    expect({ kind, message }).toEqual({ kind: 'protocol', message: `The answer is not valid HTTP/1.1: ${why}` });
  });

  it.each([
    ['a body that ends early', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok'],
    ['chunks that end early', `${CHUNKED}2\r\nok\r\n`],
    ['nothing after 100', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['half a head', 'HTTP/1.1 200 OK\r\nx: y'],
  ])('%s', async (_, answer) => {
    const { port } = await tcp((socket) => socket.end(answer));
    const { kind, message } = await failure(client().post(`http://127.0.0.1:${port}/`));
    expect({ kind, message }).toEqual({
      kind: 'reset',
      message: 'The receiver closed the connection before it answered in full',
    });
  });
});

/** A receiver that answers each connection's first `answered` requests; `act` follows each answer. */
async function receiver(answered: number, act: (socket: Socket, requests: number) => void) {
  const received: string[] = [];
  const { port, sockets } = await listen(
    createServer((socket) => {
      let requests = 0;
      socket.on('data', (chunk) => {
        requests += 1;
        received.push(/^x-n: (\d+)/m.exec(chunk.toString())![1]!);
        if (requests <= answered) socket.write(OK);
        act(socket, requests);
      });
    }),
  );
  return { url: `http://127.0.0.1:${port}/`, received, sockets };
}

describe('a kept connection that the receiver closes', () => {
  it.each([
    ['with FIN at once', 0, (socket: Socket) => socket.end()],
    ['with FIN after 50 ms', 50, (socket: Socket) => socket.end()],
    ['with RST at once', 0, (socket: Socket) => socket.resetAndDestroy()],
    ['with RST after 50 ms', 50, (socket: Socket) => socket.resetAndDestroy()],
  ])('%s after each answer uses up no attempt, and the order is kept', async (_, delayMs, close) => {
    const { url, received } = await receiver(1, (socket, requests) => {
      if (requests === 1) setTimeout(() => close(socket), delayMs);
    });
    const { post } = client();
    const numbers = Array.from({ length: 30 }, (__, n) => String(n));
    for (const n of numbers) {
      expect(await post(url, { 'x-n': n })).toMatchObject({ status: 200 });
      await sleep(delayMs);
    }
    expect([...new Set(received)]).toEqual(numbers);
    expect(received).toEqual(received.toSorted((a, b) => Number(a) - Number(b)));
  });

  it.each([
    ['FIN', (socket: Socket) => socket.end()],
    ['RST', (socket: Socket) => socket.resetAndDestroy()],
  ])('with %s as it gets the next request: the client repeats the request on a new one', async (_, close) => {
    const { url, received, sockets } = await receiver(1, (socket, requests) => requests === 2 && close(socket));
    const { post } = client();
    await post(url, { 'x-n': '1' });
    expect(await post(url, { 'x-n': '2' })).toMatchObject({ status: 200 });
    expect(received).toEqual(['1', '2', '2']);
    expect(sockets).toHaveLength(2);
  });

  it('with 408 as it gets the next request: the client repeats the request on a new one', async () => {
    const timedOut = 'HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';
    const { url, received } = await receiver(1, (socket, requests) => requests === 2 && socket.end(timedOut));
    const { post } = client();
    await post(url, { 'x-n': '1' });
    expect(await post(url, { 'x-n': '2' })).toMatchObject({ status: 200 });
    expect(received).toEqual(['1', '2', '2']);
  });

  it('when several are kept: the client repeats each request on a new one, not on another closed one', async () => {
    const { url, sockets } = await receiver(1, (socket, requests) => requests > 1 && socket.resetAndDestroy());
    const { post } = client();
    const all = (name: string) => Promise.all(Array.from({ length: 8 }, () => post(url, { 'x-n': name })));
    await all('1');
    const answers = await all('2');
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(sockets.length).toBeGreaterThanOrEqual(16);
  });

  it('after a part of the answer is a failure', async () => {
    const { url, received } = await receiver(1, (socket, requests) => requests === 2 && socket.end('HTTP/1.1 1'));
    const { post } = client();
    await post(url, { 'x-n': '1' });
    expect((await failure(post(url, { 'x-n': '2' }))).kind).toBe('reset');
    expect(received).toEqual(['1', '2']);
  });

  it('when it is new is a failure, also as the second one', async () => {
    let connections = 0;
    const { port } = await listen(
      createServer((socket) => {
        connections += 1;
        const isFirst = connections === 1;
        let requests = 0;
        socket.on('data', () => (isFirst && ++requests === 1 ? socket.write(OK) : socket.resetAndDestroy()));
      }),
    );
    const { post } = client();
    await post(`http://127.0.0.1:${port}/`);
    expect((await failure(post(`http://127.0.0.1:${port}/`))).kind).toBe('reset');
    expect(connections).toBe(2);
  });
});
