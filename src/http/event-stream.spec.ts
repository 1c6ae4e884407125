import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AddressInfo, type Server, type Socket, connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import express, { type Response } from 'express';
import { type ServerSentEvent, sendEvents } from './event-stream.js';

let server: Server | undefined;
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server?.close();
});

/** Starts a server whose answers to `/events` come from `handler`, and connects to it. */
async function connected(handler: (response: Response) => Promise<void>): Promise<Socket> {
  const app = express().get('/events', (_, response) => handler(response));
  server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

/** Opens a stream of these events and returns the response of a raw request for it, up to where `isEnough` holds. */
async function ask(
  events: AsyncIterable<ServerSentEvent>,
  request: string,
  isEnough: (text: string) => boolean = (text) => text.endsWith('0\r\n\r\n'),
): Promise<string> {
  const socket = await connected((response) => sendEvents(response, () => events));
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

/** A source of large events that counts them, and how its stream ended. */
function large() {
  const counted = { events: 0, isClosed: false };
  const data = JSON.stringify('x'.repeat(1_000_000));
  async function* events(closed: AbortSignal): AsyncGenerator<ServerSentEvent> {
    closed.addEventListener('abort', () => (counted.isClosed = true));
    for (;;) {
      counted.events += 1;
      yield await Promise.resolve({ type: 'state', data });
    }
  }
  return { counted, events };
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

  it('says first how soon an EventSource connects again', async () => {
    expect(await ask(finished(), `${GET}\r\n`)).toContain('retry: 1000\n');
  });

  it('asks for no further event while its client does not read, and ends then too', async () => {
    const { counted, events } = large();
    const end = new AbortController();
    let over: Promise<void> | undefined;
    const socket = await connected((response) => (over = sendEvents(response, events, end.signal)));
    socket.pause().write(`${GET}\r\n`);
    let before = -1;
    while (before < 1 || before !== counted.events) {
      before = counted.events;
      await sleep(200);
    }
    expect(counted.events).toBeLessThan(50);
    expect(counted.isClosed).toBe(false);
    end.abort();
    await over;
    expect(counted.isClosed).toBe(true);
    // It waits for the connections of its responses.
    await once(server!.close(), 'close');
  });

  it('ends at once when it is told to, whatever its source does', async () => {
    const end = new AbortController();
    const socket = await connected((response) => sendEvents(response, neverEnding, end.signal));
    socket.write(`${GET}\r\n`);
    await once(socket, 'data');
    end.abort();
    let rest = '';
    for await (const bytes of socket) rest += String(bytes);
    expect(rest).toMatch(/0\r\n\r\n$/);
  });

  it('does not begin for a client that left before the handler had its answer', async () => {
    const { counted, events } = large();
    let over: Promise<void> | undefined;
    const socket = await connected(async (response) => {
      socket.destroy();
      await once(response, 'close');
      await (over = sendEvents(response, events));
    });
    socket.write(`${GET}\r\n`);
    while (!over) await sleep(10);
    await over;
    expect(counted.events).toBe(0);
  });
});
