import type { Response } from 'express';

export interface ServerSentEvent {
  type: string;
  data: object;
}

/**
 * Sends events as they come (WHATWG HTML, server-sent events), until there are no more or nobody listens. Written by
 * hand: Nest's own stream begins before a handler that takes its time has said 404.
 */
export async function sendEvents(response: Response, events: AsyncIterable<ServerSentEvent>): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    // A proxy that collects the answer would hold the events back.
    'x-accel-buffering': 'no',
  });
  for await (const { type, data } of events) {
    if (response.destroyed) return;
    // Each event holds all that the one before it held, so a reader that is slow may miss some, but not the last.
    if (type !== 'end' && response.writableNeedDrain) continue;
    response.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }
  response.end();
}
