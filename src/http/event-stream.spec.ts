import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { type ServerSentEvent, sendEvents } from './event-stream.js';

let server: Server | undefined;
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server?.close();
});

/** Opens a stream of these events and returns the response of a raw request for it, up to where `isEnough` holds. */
async function ask(
  events: AsyncIterable<ServerSentEvent>,
  request: string,
  isEnough: (text: string) => boolean = (text) => text.endsWith('0\r\n\r\n'),
): Promise<string> {
  const app = express().get('/events', (_, response) => sendEvents(response, events));
  server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  sockets.push(socket);
  socket.write(request);
  let text = '';
  for await (const bytes of socket) {
    text += String(bytes);
    if (isEnough(text)) break;
  }
  return text;
}

async function* finished(): AsyncGenerator<ServerSentEvent> {
  yield { type: 'progress', data: { done: 1 } };
  yield { type: 'end', data: { done: 2 } };
}

async function* neverEnding(): AsyncGenerator<ServerSentEvent> {
  await new Promise(() => undefined);
  yield { type: 'end', data: {} };
}

const GET = 'GET /events HTTP/1.1\r\nHost: a\r\n';
const headersAreRead = (text: string): boolean => text.includes('\r\n\r\n');

describe('an event stream', () => {
  it('sends events, and an id with the last one', async () => {
    const text = await ask(finished(), `${GET}\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(text).toContain('event: progress\ndata: {"done":1}\n\n');
    expect(text).toContain('event: end\nid: end\ndata: {"done":2}\n\n');
  });

  it('answers a client that already has the last event 204, so that an EventSource does not reconnect', async () => {
    const text = await ask(finished(), `${GET}Last-Event-ID: end\r\n\r\n`, headersAreRead);
    expect(text).toMatch(/^HTTP\/1\.1 204 /);
  });

  it('sends the last event to a client that lost its connection before it', async () => {
    expect(await ask(finished(), `${GET}Last-Event-ID: 1\r\n\r\n`)).toContain('event: end\n');
  });

  it('answers HEAD at once, while the stream has no end', async () => {
    const text = await ask(neverEnding(), 'HEAD /events HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', () => false);
    expect(text).toMatch(/^HTTP\/1\.1 200 [^]*content-type: text\/event-stream[^]*\r\n\r\n$/i);
  });

  it('sends its headers before the first event', async () => {
    expect(await ask(neverEnding(), `${GET}\r\n`, headersAreRead)).toMatch(/^HTTP\/1\.1 200 /);
  });
});
