import type { Response } from 'express';

export interface ServerSentEvent {
  type: string;
  data: object;
}

/**
 * Sends server-sent events (WHATWG HTML) until the source ends or the client disconnects. Nest's `@Sse` sends its headers
 * before the handler can answer 404, so it cannot be used here.
 */
export async function sendEvents(response: Response, events: AsyncIterable<ServerSentEvent>): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    // Stops nginx from buffering the response.
    'x-accel-buffering': 'no',
  });
  for await (const { type, data } of events) {
    if (response.destroyed) return;
    // Each event contains the whole state, so a slow client may miss any but the last.
    if (type !== 'end' && response.writableNeedDrain) continue;
    response.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }
  response.end();
}
