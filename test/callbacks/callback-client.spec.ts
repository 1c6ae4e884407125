import { createServer as createTcp, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import type { CallbackResponse } from '../../src/callbacks/transport/attempt-trace.js';
import { OutgoingMessage } from '../../src/callbacks/transport/callback-client.js';
import { eventually } from '../support/eventually.js';
import { BODY, cleanups, client, failure, http, listen, tcp } from './transport-fixture.js';

describe('a request', () => {
  it('consists of exactly the given bytes and headers', async () => {
    let received = '';
    const { port } = await listen(
      createTcp((socket) => {
        socket.on('data', (chunk) => {
          received += chunk.toString();
          if (received.endsWith(BODY.toString())) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
        });
      }),
    );
    const { post } = client();
    const response = await post(`http://127.0.0.1:${port}/hook?a=%20b`, { 'webhook-id': 'msg_1', 'X-Request-ID': 'r' });
    expect(response).toMatchObject({ status: 204, responseBody: '', dialledAddress: '127.0.0.1' });

    const [head = '', body] = received.split('\r\n\r\n');
    const [line, ...headers] = head.split('\r\n');
    expect(line).toBe('POST /hook?a=%20b HTTP/1.1');
    expect(headers.map((header) => header.toLowerCase()).toSorted()).toEqual([
      'connection: keep-alive',
      `content-length: ${BODY.length}`,
      `host: 127.0.0.1:${port}`,
      'webhook-id: msg_1',
      'x-request-id: r',
    ]);
    expect(body).toBe(BODY.toString());
  });

  it('gets an axios response of any status, with the trace of the attempt as its data', async () => {
    const { port } = await http((request, response) =>
      request.resume().on('end', () => response.writeHead(418, { 'x-answer': 'a' }).end(request.method)),
    );
    const url = `http://127.0.0.1:${port}/hook`;
    const message = new OutgoingMessage(BODY, { 'x-sent': 'b' }, null);
    const response = await firstValueFrom(client().service.put<CallbackResponse>(url, message));
    expect(response).toMatchObject({ status: 418, data: { status: 418, responseBody: 'PUT' } });
    expect(response.data.requestHeaders['x-sent']).toBe('b');
    expect(response.headers['x-answer']).toBe('a');
    expect(response.config).toMatchObject({ url, data: message });
  });

  it('uses a kept connection, and no proxy of the environment', async () => {
    process.env.http_proxy = process.env.HTTP_PROXY = 'http://127.0.0.1:9';
    cleanups.push(() => {
      delete process.env.http_proxy;
      delete process.env.HTTP_PROXY;
    });
    const { port, sockets } = await http((request, response) => request.resume().on('end', () => response.end('ok')));
    const { post } = client();
    for (let n = 0; n < 3; n += 1) {
      expect(await post(`http://127.0.0.1:${port}/`)).toMatchObject({ responseBody: 'ok' });
    }
    expect(sockets.length).toBe(1);
  });

  it('uses at most eight connections to one destination', async () => {
    const { port, sockets } = await http((_, response) => setImmediate(() => response.end()));
    const { post } = client();
    const responses = await Promise.all(Array.from({ length: 40 }, () => post(`http://127.0.0.1:${port}/`)));
    expect(responses.every(({ status }) => status === 200)).toBe(true);
    expect(sockets.length).toBe(8);
  });

  it('uses at most 64 connections in all, and closes an idle one for another', async () => {
    const servers = await Promise.all(Array.from({ length: 70 }, () => http((_, response) => response.end())));
    const isOpen = (socket: Socket): boolean => !socket.destroyed;
    const { post } = client();
    for (const { port } of servers) {
      expect(await post(`http://127.0.0.1:${port}/`)).toMatchObject({ status: 200 });
    }
    await eventually(() => servers.flatMap(({ sockets }) => sockets.filter(isOpen)).length === 64);
    // Closed connections are dialled again.
    for (const { port } of servers) expect(await post(`http://127.0.0.1:${port}/`)).toMatchObject({ status: 200 });
  });
});

describe('an answer', () => {
  it('consists of the status, the headers and the beginning of the body', async () => {
    const { port, sockets } = await http((_, response) =>
      response.writeHead(503, { 'retry-after': '3' }).end('é\0'.padEnd(16_000, 'x')),
    );
    const { post } = client();
    for (let n = 0; n < 2; n += 1) {
      const { status, responseHeaders, responseBody, totalMs } = await post(`http://127.0.0.1:${port}/`);
      expect(status).toBe(503);
      expect(responseHeaders['retry-after']).toBe('3');
      expect(responseBody).toBe('é\uFFFD'.padEnd(4_095, 'x'));
      expect(totalMs).toBeGreaterThanOrEqual(0);
    }
    expect(sockets.length).toBe(1);
  });

  it('ends after 16 KiB of an endless body, and closes the connection', async () => {
    const { port, sockets } = await http((_, response) => {
      const pour = () => void (response.write('x'.repeat(4_096)) ? setImmediate(pour) : response.once('drain', pour));
      pour();
    });
    const response = await client().post(`http://127.0.0.1:${port}/`);
    expect(response).toMatchObject({ status: 200, responseBody: 'x'.repeat(4_096) });
    const [socket] = sockets;
    if (!socket!.destroyed) await new Promise((resolve) => socket!.once('close', resolve));
    expect(socket!.bytesWritten).toBeLessThan(8 * 1024 * 1024);
  });

  it('is never decompressed', async () => {
    const bomb = gzipSync(Buffer.alloc(1_000_000));
    const { port } = await http((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb));
    const { responseBody } = await client().post(`http://127.0.0.1:${port}/`);
    expect(responseBody.length).toBeLessThanOrEqual(bomb.length);
  });

  it('is read after informational responses', async () => {
    const { port } = await tcp((socket) =>
      socket.write('HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'),
    );
    expect(await client().post(`http://127.0.0.1:${port}/`)).toMatchObject({ status: 200, responseBody: 'ok' });
  });

  it.each([
    ['protocol', 'headers over 16 KiB', (s: Socket) => s.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)],
    ['protocol', 'another protocol', (s: Socket) => s.write('220 mail.example.com ESMTP\r\n')],
    [
      'protocol',
      'an unrequested upgrade',
      (s: Socket) => s.write('HTTP/1.1 101 X\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    ],
    ['reset', 'a reset', (s: Socket) => s.resetAndDestroy()],
    ['reset', 'an end', (s: Socket) => s.end()],
    ['reset', 'half an answer', (s: Socket) => s.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf')],
  ] as const)('is a %s failure when it is %s', async (kind, _, act) => {
    const { port } = await tcp(act);
    expect((await failure(client().post(`http://127.0.0.1:${port}/`))).kind).toBe(kind);
  });
});

describe('an attempt without an answer', () => {
  it('fails with `connect` when the connection is refused, for all that wait for it', async () => {
    const server = createTcp();
    const { port } = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    const { post } = client();
    const errors = await Promise.all(Array.from({ length: 20 }, () => failure(post(`http://127.0.0.1:${port}/`))));
    expect(errors.map(({ kind }) => kind)).toEqual(Array(20).fill('connect'));
    expect(errors[0]!.message).toContain('ECONNREFUSED');
  });

  it.each([
    ['does not exist', () => Promise.reject(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }))],
    ['has no address', () => Promise.resolve([])],
  ])('fails with `dns` when the name %s', async (_, resolve) => {
    const { kind, message } = await failure(client({ resolve }).post('http://gone.test/'));
    expect(kind).toBe('dns');
    expect(message).toContain('gone.test');
  });

  it.each([
    ['a silent receiver', () => {}],
    ['a drip of headers', (socket: Socket) => drip(socket, 'HTTP/1.1 200 OK\r\n', 'x: y\r\n')],
    ['a drip of informational responses', (socket: Socket) => drip(socket, '', 'HTTP/1.1 103 X\r\n\r\n')],
    ['a drip of body', (socket: Socket) => drip(socket, 'HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n', 'x')],
  ])('ends at the timeout with %s, and closes the connection', async (_, act) => {
    const { port, sockets } = await tcp(act);
    const startedAt = performance.now();
    const { kind, message } = await failure(client({ timeoutMs: 200 }).post(`http://127.0.0.1:${port}/`));
    expect({ kind, message }).toEqual({ kind: 'timeout', message: 'No complete answer within 200 ms' });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(199);
    if (!sockets[0]!.closed) await new Promise((resolve) => sockets[0]!.once('close', resolve));
  });

  it('ends at the timeout when the name resolves too slowly, and is not sent afterwards', async () => {
    let requests = 0;
    const { port, sockets } = await http((_, response) => {
      requests += 1;
      response.end();
    });
    let answer: (addresses: string[]) => void = () => {};
    const slow = new Promise<string[]>((resolve) => (answer = resolve));
    const { post } = client({ timeoutMs: 200, resolve: () => slow });
    expect((await failure(post(`http://slow.test:${port}/`))).kind).toBe('timeout');

    answer(['127.0.0.1']);
    expect(await post(`http://slow.test:${port}/`)).toMatchObject({ status: 200 });
    const late = sockets.length > 1 ? sockets[0]! : null;
    if (late && !late.closed) await new Promise((resolve) => late.once('close', resolve));
    expect(requests).toBe(1);
  });

  it('ends when the client is closed', async () => {
    const { port } = await http(() => void made.close());
    const made = client();
    expect(await failure(made.post(`http://127.0.0.1:${port}/`))).toMatchObject({
      kind: 'reset',
      message: 'Daybook stopped before the answer came',
    });
    expect((await failure(made.post(`http://127.0.0.1:${port}/`))).kind).toBe('reset');
  });
});

/** Writes `first`, then `next` repeatedly, so that no stage reaches its timeout. */
function drip(socket: Socket, first: string, next: string): void {
  socket.write(first);
  const timer = setInterval(() => socket.write(next), 20);
  socket.once('close', () => clearInterval(timer));
}
