import { EventEmitter, once } from 'node:events';
import { type RequestListener, type Server, createServer } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { type ServerSentEvent, sendEvents } from '../../http/event-stream.js';
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
  const TIMEOUT_MS = 1_000;
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

  const LARGE_BYTES = 32 * 1_024 * 1_024;

  it('ends a large response that is not read', async () => {
    let isEnded = false;
    const socket = await request((_, response) => {
      response.once('close', () => (isEnded = true));
      response.end(Buffer.alloc(LARGE_BYTES));
    });
    while (!isEnded) await sleep(20);
    let bytes = 0;
    socket.on('data', (part) => (bytes += part.length)).resume();
    await once(socket, 'close');
    expect(bytes).toBeLessThan(LARGE_BYTES);
  });

  it('ends an event stream that is not read, and keeps no further event for it', async () => {
    const data = JSON.stringify('x'.repeat(1_000_000));
    let events = 0;
    let over: Promise<void> | undefined;
    async function* source(): AsyncGenerator<ServerSentEvent> {
      for (; ; events++) yield await Promise.resolve({ type: 'state', data });
    }
    await request(express().get('/', (_, response) => (over = sendEvents(response, source))));
    while (!over) await sleep(20);
    await over;
    expect(events).toBeLessThan(50);
  });

  it('lets a response be read slowly, and one wait that has nothing to send', async () => {
    const socket = await request((_, response) => {
      response.writeHead(200, { 'Content-Length': LARGE_BYTES + 3, Connection: 'close' });
      response.write(Buffer.alloc(LARGE_BYTES));
      setTimeout(() => response.end('end'), 5 * TIMEOUT_MS);
    });
    let bytes = 0;
    socket.on('data', (part) => {
      bytes += part.length;
      socket.pause();
      setTimeout(() => socket.resume(), 1);
    });
    socket.resume();
    await once(socket, 'close');
    expect(bytes).toBeGreaterThan(LARGE_BYTES);
  });
});
