import { readFileSync } from 'node:fs';
import { createServer as createHttps } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from '@jest/globals';
import { certificate, client, failure, http, listen, tcp } from './transport-fixture.js';

const cases = (
  JSON.parse(readFileSync(new URL('../callback-urls/cases.json', import.meta.url), 'utf8')) as {
    url: string;
    verdict: string;
    why: string;
  }[]
).filter(({ verdict }) => verdict === 'reject-at-dial');

describe('a callback goes', () => {
  it.each([
    ['private.test', ['10.0.0.1']],
    ['mixed.test', ['93.184.215.14', '127.0.0.1']],
    ['mixed.test', ['127.0.0.1', '93.184.215.14']],
    ['mapped.test', ['::ffff:169.254.169.254']],
    ['nonsense.test', ['fe80::1%eth0']],
  ])('not to %s at %j, and the message does not contain the address', async (name, addresses) => {
    const { port, sockets } = await http((_, response) => response.end());
    const { post } = client({ allow: [], resolve: () => Promise.resolve(addresses) });
    const { kind, message } = await failure(post(`http://${name}:${port}/`));
    expect(kind).toBe('blocked');
    for (const address of addresses) expect(message).not.toContain(address);
    expect(sockets.length).toBe(0);
  });

  it.each(['http://127.0.0.1/', 'http://[::1]:8080/', 'http://localhost/', 'http://example.com:25/'])(
    'not to %s, even if it is stored',
    async (url) => expect((await failure(client({ allow: [] }).post(url))).kind).toBe('blocked'),
  );

  it('to the address that was checked: a name is resolved once, so rebinding has no effect', async () => {
    const { port } = await http((request, response) => response.end(request.headers.host));
    const answers = [['127.0.0.1'], ['127.0.0.2']];
    let resolved = 0;
    const { post } = client({ resolve: () => Promise.resolve(answers[resolved++]!) });
    expect(await post(`http://rebind.test:${port}/`)).toMatchObject({
      responseBody: `rebind.test:${port}`,
      dialledAddress: '127.0.0.1',
    });
    expect(resolved).toBe(1);
    // The kept connection was checked when it was opened.
    await post(`http://rebind.test:${port}/`);
    expect(resolved).toBe(1);
  });

  it('nowhere once the name has been rebound and a new connection is needed', async () => {
    const { port, sockets } = await http((_, response) => response.setHeader('connection', 'close').end());
    const answers = [['127.0.0.1'], ['127.0.0.2']];
    const { post } = client({ resolve: () => Promise.resolve(answers.shift()!) });
    await post(`http://rebind.test:${port}/`);
    expect((await failure(post(`http://rebind.test:${port}/`))).kind).toBe('blocked');
    expect(sockets.length).toBe(1);
  });

  it('to the next checked address when the first refuses the connection', async () => {
    const { port } = await http((_, response) => response.end());
    const { post } = client({ allow: ['two.test'], resolve: () => Promise.resolve(['127.0.0.9', '127.0.0.1']) });
    expect(await post(`http://two.test:${port}/`)).toMatchObject({ status: 200, dialledAddress: '127.0.0.1' });
  });

  it.each(cases)('nowhere private for $url ($why)', async ({ url }) => {
    const secret = await http((_, response) => response.end('secret'));
    const location = `http://127.0.0.1:${secret.port}/`;
    const { port } = await http((_, response) => response.writeHead(307, { location }).end());
    const names: Record<string, string[]> = {
      'private.test': ['127.0.0.1'],
      'mixed.test': ['93.184.215.14', '127.0.0.1'],
      // The address after the check.
      'rebind.test': ['127.0.0.1'],
      'redirect.test': ['127.0.0.1'],
    };
    const resolve = (name: string) => Promise.resolve(names[name]!);
    const { post } = client({ allow: ['redirect.test'], resolve });
    const at = new URL(url);
    const isRedirect = at.hostname === 'redirect.test';
    at.port = String(isRedirect ? port : secret.port);
    if (isRedirect) expect((await post(at.href)).status).toBe(307);
    else expect((await failure(post(at.href))).kind).toBe('blocked');
    expect(secret.sockets.length).toBe(0);
  });

  it.each([301, 302, 303, 307, 308])('not to the target of a %d', async (status) => {
    const secret = await http((_, response) => response.end('secret'));
    const location = `http://127.0.0.1:${secret.port}/`;
    const { port } = await http((_, response) => response.writeHead(status, { location }).end('moved'));
    const { post } = client({ allow: ['redirect.test'], resolve: () => Promise.resolve(['127.0.0.1']) });
    expect(await post(`http://redirect.test:${port}/`)).toMatchObject({
      status,
      responseBody: 'moved',
      responseHeaders: { location },
    });
    expect(secret.sockets.length).toBe(0);
  });
});

describe('TLS', () => {
  const { key, cert: ca } = certificate('hooks.test');
  const resolve = () => Promise.resolve(['127.0.0.1']);
  const https = () =>
    listen(
      createHttps({ key, cert: ca, ALPNProtocols: ['h2', 'http/1.1'] }, (request, response) => {
        const { servername, alpnProtocol } = request.socket as TLSSocket;
        response.end(JSON.stringify({ host: request.headers.host, servername, alpnProtocol }));
      }),
    );

  it('names the host, not the address, in SNI and Host, and speaks HTTP/1.1', async () => {
    const { port } = await https();
    const { responseBody } = await client({ ca, resolve }).post(`https://hooks.test.:${port}/`);
    const host = `hooks.test:${port}`;
    expect(JSON.parse(responseBody)).toEqual({ host, servername: 'hooks.test', alpnProtocol: 'http/1.1' });
  });

  it('refuses a certificate of unknown origin', async () => {
    const { port } = await https();
    const error = await failure(client({ resolve }).post(`https://hooks.test:${port}/`));
    expect(error).toMatchObject({ kind: 'tls', message: expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT') });
  });

  it('refuses a certificate for another name', async () => {
    const { port } = await https();
    const error = await failure(client({ ca, resolve }).post(`https://other.test:${port}/`));
    expect(error).toMatchObject({ kind: 'tls', message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID') });
  });

  it.each([
    ['plain HTTP', (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['nothing', (socket: Socket) => socket.destroy()],
  ])('fails with a receiver that answers the handshake with %s', async (_, act) => {
    const { port } = await tcp(act);
    expect((await failure(client({ resolve }).post(`https://hooks.test:${port}/`))).kind).toBe('tls');
  });

  it('ends at the timeout in an endless handshake', async () => {
    const { port } = await tcp(() => {});
    const { kind } = await failure(client({ resolve, timeoutMs: 200 }).post(`https://hooks.test:${port}/`));
    expect(kind).toBe('timeout');
  });
});
