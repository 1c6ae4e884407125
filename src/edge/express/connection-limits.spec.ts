import { EventEmitter, once } from 'node:events';
import { type RequestListener, type Server, createServer } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { endUnreadResponses, limitConnections } from './connection-limits.js';

describe('limitConnections', () => {
  const serverWith = (limit: number, isProxied = false) => {
    const server = createServer();
    limitConnections(server, isProxied, limit);
    return (remoteAddress: string) => {
      const socket = Object.assign(new EventEmitter(), {
        remoteAddress,
        destroyed: false,
        destroy: () => {
          socket.destroyed = true;
          socket.emit('close');
        },
      });
      server.emit('connection', socket as unknown as Socket);
      return socket;
    };
  };

  it.each([
    ['an IPv4 address', '192.0.2.1', '192.0.2.1', '192.0.2.2'],
    ['an IPv4 address over IPv6', '::ffff:192.0.2.1', '192.0.2.1', '::ffff:192.0.2.2'],
    ['a /64', '2001:db8::1', '2001:db8::2', '2001:db8:0:1::1'],
  ])('bounds the connections of %s and of no other', (_, address, same, other) => {
    const accept = serverWith(2);
    const first = accept(address);
    expect([first, accept(same), accept(same), accept(other)].map(({ destroyed }) => destroyed)).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect(accept(same).destroyed).toBe(true);
    first.destroy();
    expect([accept(same), accept(same)].map(({ destroyed }) => destroyed)).toEqual([false, true]);
  });

  it.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])('exempts loopback: %s', (address) => {
    const accept = serverWith(1);
    expect([accept(address), accept(address)].map(({ destroyed }) => destroyed)).toEqual([false, false]);
  });

  it('does not count behind a proxy', () => {
    const accept = serverWith(1, true);
    expect([accept('192.0.2.1'), accept('192.0.2.1')].map(({ destroyed }) => destroyed)).toEqual([false, false]);
  });
});

describe('endUnreadResponses', () => {
  const TIMEOUT_MS = 200;
  let server: Server;
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const request = async (listener: RequestListener): Promise<Socket> => {
    server = createServer(listener);
    endUnreadResponses(server, TIMEOUT_MS);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    return socket;
  };

  it('ends a large response that is not read', async () => {
    const ended = new Promise<boolean>((resolve) => {
      void request((_, response) => {
        response.once('close', () => resolve(response.writableFinished));
        response.end(Buffer.alloc(64 * 1_024 * 1_024));
      });
    });
    expect(await ended).toBe(false);
  });

  it('lets a response be read slowly, and one wait that has nothing to send', async () => {
    let wasEnded = false;
    const socket = await request((_, response) => {
      response.once('close', () => (wasEnded = !response.writableFinished));
      response.write(Buffer.alloc(8 * 1_024 * 1_024));
      setTimeout(() => response.end('end'), 5 * TIMEOUT_MS);
    });
    let text = '';
    socket.on('data', (part) => {
      text = part.toString('latin1').slice(-20);
      socket.pause();
      setTimeout(() => socket.resume(), 1);
    });
    socket.resume();
    while (!text.includes('end') && !wasEnded) await sleep(20);
    expect(wasEnded).toBe(false);
  });
});
