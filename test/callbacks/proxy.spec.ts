import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect, createServer as createTcp } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from '@jest/globals';
import { certificate, client, failure, http, listen } from './transport-fixture.js';

/**
 * A callback through a proxy connects to the same address as without one, which Daybook resolved and checked,
 * and TLS is with the receiver.
 */
const PUBLIC = '93.184.215.14';
const resolve = () => Promise.resolve([PUBLIC]);
const hooks = certificate('hooks.test');
const localhost = certificate('localhost');

interface Asked {
  target: string;
  host?: string;
  authorization?: string;
}

/**
 * A CONNECT proxy that connects to this host's loopback for every address.
 * @param answer The status for a target; 200 opens the tunnel.
 */
async function startProxy(answer: (target: string) => number = () => 200, secure = false) {
  const asked: Asked[] = [];
  const server = secure ? createHttps({ ...localhost }) : createHttp();
  server.on('connect', ({ url = '', headers }, socket, head) => {
    asked.push({ target: url, host: headers.host, authorization: headers['proxy-authorization'] });
    const status = answer(url);
    if (status !== 200) {
      socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const receiver = connect(Number(url.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      receiver.write(head);
      receiver.pipe(socket);
      socket.pipe(receiver);
    });
    receiver.on('error', () => socket.destroy());
    socket.on('error', () => receiver.destroy());
  });
  const { port } = await listen(server);
  return { asked, url: new URL(`${secure ? 'https://localhost' : 'http://127.0.0.1'}:${port}`) };
}

describe('through a proxy', () => {
  it('the target is the checked address, the name is resolved once, and Host is kept', async () => {
    const proxy = await startProxy();
    const { port } = await http((request, response) =>
      request.resume().on('end', () => response.end(request.headers.host)),
    );
    let resolved = 0;
    const { post } = client({
      proxy: proxy.url,
      resolve: () => Promise.resolve([PUBLIC, `10.0.0.${++resolved}`].slice(0, resolved)),
    });
    const first = await post(`http://hooks.test:${port}/`);
    expect(first).toMatchObject({
      responseBody: `hooks.test:${port}`,
      dialledAddress: PUBLIC,
      dnsMs: expect.any(Number),
      connectMs: expect.any(Number),
      tlsMs: null,
    });
    expect(await post(`http://hooks.test:${port}/`)).toMatchObject({ dialledAddress: PUBLIC, connectMs: null });
    const target = `${PUBLIC}:${port}`;
    expect(proxy.asked).toEqual([{ target, host: target, authorization: undefined }]);
    expect(resolved).toBe(1);
  });

  it('TLS is with the receiver and its name', async () => {
    const proxy = await startProxy();
    const { port } = await listen(
      createHttps({ ...hooks }, ({ headers, socket }, response) =>
        response.end(JSON.stringify([headers.host, (socket as TLSSocket).servername])),
      ),
    );
    const answer = await client({ proxy: proxy.url, ca: hooks.cert, resolve }).post(`https://hooks.test:${port}/`);
    expect(JSON.parse(answer.responseBody)).toEqual([`hooks.test:${port}`, 'hooks.test']);
    expect(answer).toMatchObject({ dialledAddress: PUBLIC, tlsMs: expect.any(Number) });
    expect(proxy.asked).toMatchObject([{ target: `${PUBLIC}:${port}` }]);
    const { kind } = await failure(client({ proxy: proxy.url, resolve }).post(`https://hooks.test:${port}/`));
    expect(kind).toBe('tls');
  });

  it('TLS to the proxy and a password are supported', async () => {
    const proxy = await startProxy(undefined, true);
    proxy.url.username = 'user';
    proxy.url.password = 'p@ss';
    const { port } = await http((_, response) => response.end());
    const { post } = client({ proxy: proxy.url, ca: localhost.cert, resolve });
    expect(await post(`http://hooks.test:${port}/`)).toMatchObject({ status: 200 });
    const basic = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
    expect(proxy.asked).toMatchObject([{ authorization: basic }]);
  });

  it.each([
    ['http://10.0.0.1/', [PUBLIC]],
    ['http://private.test/', ['10.0.0.1']],
    ['http://mixed.test/', [PUBLIC, '169.254.169.254']],
    ['http://rebound.test/', ['127.0.0.1']],
  ])('nothing goes to %s that resolves to %j', async (url, addresses) => {
    const proxy = await startProxy();
    const { kind, trace } = await failure(
      client({ allow: [], proxy: proxy.url, resolve: () => Promise.resolve(addresses) }).post(url),
    );
    expect([kind, trace.dialledAddress, proxy.asked]).toEqual(['blocked', null, []]);
  });

  it.each(['http://127.0.0.1', 'http://own.test'])(
    '%s, which is this host, is dialled without the proxy',
    async (origin) => {
      const proxy = await startProxy();
      const { port } = await http((_, response) => response.end());
      const { post } = client({ proxy: proxy.url, resolve: () => Promise.resolve(['127.0.0.1']) });
      expect(await post(`${origin}:${port}/`)).toMatchObject({ status: 200, dialledAddress: '127.0.0.1' });
      expect(proxy.asked).toEqual([]);
    },
  );

  it('the next address is used when the proxy does not reach one', async () => {
    const proxy = await startProxy((target) => (target.startsWith('[2606:') ? 502 : 200));
    const { port } = await http((_, response) => response.end());
    const both = () => Promise.resolve(['2606:4700:4700::1111', PUBLIC]);
    const trace = await client({ proxy: proxy.url, resolve: both }).post(`http://hooks.test:${port}/`);
    expect(trace).toMatchObject({ status: 200, dialledAddress: PUBLIC });
    expect(proxy.asked.map(({ target }) => target)).toEqual([`[2606:4700:4700::1111]:${port}`, `${PUBLIC}:${port}`]);
  });

  it.each([403, 407, 502])('a %i of the proxy is a failed connection', async (status) => {
    const proxy = await startProxy(() => status);
    const { kind, message, trace } = await failure(client({ proxy: proxy.url, resolve }).post('http://hooks.test/'));
    expect([kind, trace.status, trace.dialledAddress]).toEqual(['connect', null, PUBLIC]);
    expect(message).toBe(`The proxy opened no tunnel to the receiver; it answered ${status}`);
  });

  it('the message names the proxy if it refuses the connection', async () => {
    const server = createTcp();
    const { port } = await listen(server);
    await new Promise((closed) => server.close(closed));
    const proxy = new URL(`http://127.0.0.1:${port}`);
    const { kind, message } = await failure(client({ proxy, resolve }).post('http://hooks.test/'));
    expect([kind, message]).toEqual(['connect', 'No connection to the proxy (ECONNREFUSED)']);
  });

  it('an attempt ends at the timeout if the proxy is silent', async () => {
    const { port, sockets } = await listen(createTcp((socket) => socket.resume()));
    const proxy = new URL(`http://127.0.0.1:${port}`);
    const { kind } = await failure(client({ proxy, resolve, timeoutMs: 200 }).post('http://hooks.test/'));
    expect(kind).toBe('timeout');
    if (!sockets[0]!.closed) await new Promise((closed) => sockets[0]!.once('close', closed));
  });
});
