import type { Response } from 'express';

export interface ServerSentEvent {
  /** `end` is the last event of a stream. */
  type: string;
  data: object;
}

/** The id of the last event of every stream; a client that reconnects sends it as `Last-Event-ID`. */
const END_ID = 'end';

/**
 * Sends server-sent events (WHATWG HTML) until the source ends or the client disconnects. HEAD gets the headers alone. A
 * client that already has the last event gets 204, since an `EventSource` would otherwise reconnect to a finished stream
 * for ever. Nest's `@Sse` sends its headers before the handler can answer 404, so it cannot be used here.
 */
export async function sendEvents(response: Response, events: AsyncIterable<ServerSentEvent>): Promise<void> {
  if (response.req.get('last-event-id') === END_ID) {
    response.status(204).end();
    return;
  }
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    // Stops nginx from buffering the response.
    'x-accel-buffering': 'no',
  });
  if (response.req.method !== 'HEAD') await writeEvents(response, events);
  response.end();
}

async function writeEvents(response: Response, events: AsyncIterable<ServerSentEvent>): Promise<void> {
  // Headers alone show the client that the stream is open, however long its first event takes.
  response.flushHeaders();
  for await (const { type, data } of events) {
    if (response.destroyed) return;
    const isEnd = type === 'end';
    // Each event contains the whole state, so a slow client may miss any but the last.
    if (!isEnd && response.writableNeedDrain) continue;
    response.write(`event: ${type}\n${isEnd ? `id: ${END_ID}\n` : ''}data: ${JSON.stringify(data)}\n\n`);
  }
}
