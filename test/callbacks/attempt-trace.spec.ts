import { createHash } from 'node:crypto';
import { createServer as createHttps } from 'node:https';
import { createServer as createTcp, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { BODY, certificate, client, failure, http, listen, tcp } from './transport-fixture.js';

/** The trace of every attempt contains the request, the dialled address, the answer and the times. */
const resolve = () => Promise.resolve(['127.0.0.1']);
const NO_DIAL = { dnsMs: null, connectMs: null, tlsMs: null };

/** @returns A port without a listener. */
async function closedPort(): Promise<number> {
  const server = createTcp();
  const { port } = await listen(server);
  await new Promise((closed) => server.close(closed));
  return port;
}

describe('the trace of an attempt', () => {
  it('contains the request as the receiver got it', async () => {
    let raw = '';
    const { port } = await listen(
      createTcp((socket) =>
        socket.on('data', (data) => {
          raw += data.toString();
          if (raw.endsWith(BODY.toString())) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
        }),
      ),
    );
    const signature = 'v1,AAAA v1a,BBBB==';
    const { requestHeaders, bodyBytes, bodySha256 } = await client().post(`http://127.0.0.1:${port}/`, {
      'webhook-id': 'msg_1',
      'webhook-signature': signature,
    });
    const lines = raw.split('\r\n\r\n')[0]!.split('\r\n').slice(1);
    const seen = Object.fromEntries(lines.map((line) => line.split(': ') as [string, string]));
    expect(seen['webhook-signature']).toBe(signature);
    expect(requestHeaders).toEqual({ ...seen, 'webhook-signature': 'v1,… v1a,…' });
    expect({ bodyBytes, bodySha256 }).toEqual({
      bodyBytes: BODY.length,
      bodySha256: createHash('sha256').update(BODY).digest('hex'),
    });
  });

  it('contains the times of a connection only for the attempt that opened it', async () => {
    const { port } = await http((request, response) => request.resume().on('end', () => response.end('ok')));
    const { post } = client({ resolve, allow: ['hooks.test'] });
    const first = await post(`http://hooks.test:${port}/`);
    expect(first).toMatchObject({ dnsMs: expect.any(Number), connectMs: expect.any(Number), tlsMs: null });
    expect(first.firstByteMs).toBeGreaterThan(0);
    expect(first.totalMs).toBeGreaterThanOrEqual(first.dnsMs! + first.connectMs! + first.firstByteMs!);
    const second = await post(`http://hooks.test:${port}/`);
    expect(second).toMatchObject({ ...NO_DIAL, dialledAddress: '127.0.0.1', firstByteMs: expect.any(Number) });
  });

  it('has no lookup time for an address', async () => {
    const { port } = await http((_, response) => response.end());
    expect(await client().post(`http://127.0.0.1:${port}/`)).toMatchObject({
      ...NO_DIAL,
      connectMs: expect.any(Number),
    });
  });

  it('contains the time of the TLS handshake', async () => {
    const { key, cert } = certificate('hooks.test');
    const { port } = await listen(createHttps({ key, cert }, (_, response) => response.end()));
    const trace = await client({ resolve, ca: cert }).post(`https://hooks.test:${port}/`);
    for (const ms of [trace.dnsMs, trace.connectMs, trace.tlsMs, trace.firstByteMs]) expect(ms).toBeGreaterThan(0);
  });

  it('contains headers of any name, and repeated ones', async () => {
    const { port } = await tcp((socket) =>
      socket.write('HTTP/1.1 200 OK\r\n__proto__: a\r\nset-cookie: b\r\nset-cookie: c\r\ncontent-length: 0\r\n\r\n'),
    );
    const { responseHeaders } = await client().post(`http://127.0.0.1:${port}/`);
    expect(JSON.parse(JSON.stringify(responseHeaders))).toEqual(
      JSON.parse('{"__proto__": "a", "set-cookie": ["b", "c"], "content-length": "0"}'),
    );
  });
});

describe('the trace of an attempt without an answer', () => {
  const sent = { bodyBytes: BODY.length, bodySha256: expect.stringMatching(/^[0-9a-f]{64}$/) };
  const nothing = { status: null, responseHeaders: null, responseBody: null, firstByteMs: null };

  it('has no address if the attempt was blocked', async () => {
    const { trace } = await failure(client({ allow: [] }).post('http://127.0.0.1/'));
    expect(trace).toMatchObject({ ...sent, ...nothing, ...NO_DIAL, dialledAddress: null });
    expect(trace.totalMs).toBeGreaterThanOrEqual(0);
  });

  it('has no address if the name resolves to a blocked one', async () => {
    const { trace } = await failure(client({ allow: [], resolve }).post('http://hooks.test/'));
    expect(trace).toMatchObject({ ...nothing, ...NO_DIAL, dialledAddress: null });
  });

  it('has no address if the name does not resolve', async () => {
    const gone = () => Promise.reject(new Error('gone'));
    const { trace } = await failure(client({ resolve: gone }).post('http://gone.test/'));
    expect(trace).toMatchObject({ ...sent, ...nothing, ...NO_DIAL, dialledAddress: null });
  });

  it('has the address that refused the connection', async () => {
    const port = await closedPort();
    const { kind, trace } = await failure(client({ resolve }).post(`http://hooks.test:${port}/`));
    expect(kind).toBe('connect');
    expect(trace).toMatchObject({
      ...nothing,
      dnsMs: expect.any(Number),
      connectMs: null,
      dialledAddress: '127.0.0.1',
    });
  });

  it('has the stages before a failure in TLS', async () => {
    const { port } = await tcp((socket) => socket.destroy());
    const { kind, trace } = await failure(client({ resolve }).post(`https://hooks.test:${port}/`));
    expect(kind).toBe('tls');
    expect(trace).toMatchObject({ dnsMs: expect.any(Number), connectMs: expect.any(Number), tlsMs: null });
  });

  it.each([
    ['timeout', 'a timeout', () => {}],
    ['reset', 'an end of the connection', (socket: Socket) => setImmediate(() => socket.end())],
  ])('(%s) has the part of the answer before %s', async (kind, _, act) => {
    const { port } = await tcp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf\0');
      act(socket);
    });
    const failed = await failure(client({ timeoutMs: 300 }).post(`http://127.0.0.1:${port}/`));
    expect(failed.kind).toBe(kind);
    expect(failed.trace).toMatchObject({
      status: 200,
      responseHeaders: { 'content-length': '9' },
      responseBody: 'half\uFFFD',
      firstByteMs: expect.any(Number),
    });
  });

  it('is separate for attempts that fail together', async () => {
    const { post } = client();
    const port = await closedPort();
    const url = `http://127.0.0.1:${port}/`;
    const failed = await Promise.all([1, 2, 3].map((n) => failure(post(url, { 'webhook-id': `msg_${n}` }))));
    expect(failed.map(({ trace }) => trace.requestHeaders['webhook-id'])).toEqual(['msg_1', 'msg_2', 'msg_3']);
  });
});
