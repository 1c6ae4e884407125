import { once } from 'node:events';
import type { Response } from 'express';

export interface ServerSentEvent {
  /** `end` is the last event of a stream. */
  type: string;
  /** A string is JSON already. */
  data: object | string;
  /** A client that reconnects sends the id of the last event that it got as `Last-Event-ID`. */
  id?: string;
}

/** The id of the last event of every stream that ends. */
const END_ID = 'end';
/** Proxies close a connection on which nothing is sent for a minute. */
const HEARTBEAT_MS = 15_000;
/** Pause of an `EventSource` before it connects again. The default of browsers is up to 5 s. */
const RETRY_MS = 1_000;
/** Time for a client to read the rest of a stream that the service has ended. */
const LAST_READ_MS = 1_000;

type Source = (closed: AbortSignal) => AsyncIterable<ServerSentEvent>;

/**
 * Sends server-sent events (WHATWG HTML) until the source ends, `ended` aborts or the client disconnects. HEAD gets the headers
 * alone. A client that already has the last event gets 204, since an `EventSource` would otherwise reconnect to a finished
 * stream for ever. Nest's `@Sse` sends its headers before the handler can answer 404, so it cannot be used here.
 * @param source Is asked for the next event when the client has room for it, so a slow client misses intermediate states and
 *   no end. Its signal aborts when the stream has ended. The stream does not wait for a source that ignores it.
 * @param ended Ends the stream, within a second also for a client that does not read.
 */
export async function sendEvents(response: Response, source: Source, ended?: AbortSignal): Promise<void> {
  if (response.req.get('last-event-id') === END_ID) {
    response.status(204).end();
    return;
  }
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    // Stops nginx from buffering the response.
    'x-accel-buffering': 'no',
    // A shutdown would wait for the connection of a stream that has just ended.
    connection: 'close',
  });
  if (response.req.method !== 'HEAD') await writeEvents(response, source, ended);
  response.end();
  if (ended?.aborted) setTimeout(() => response.destroy(), LAST_READ_MS).unref();
}

async function writeEvents(response: Response, source: Source, ended?: AbortSignal): Promise<void> {
  // `close` is not emitted again for a client that disconnected before the handler had its answer.
  if (response.destroyed || ended?.aborted) return;
  const closed = new AbortController();
  const close = (): void => closed.abort();
  const closing = new Promise<void>((resolve) => closed.signal.addEventListener('abort', () => resolve()));
  response.once('close', close);
  ended?.addEventListener('abort', close);
  // Sends the headers too: they show the client that the stream is open, however long its first event takes.
  response.write(`retry: ${RETRY_MS}\n`);
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(': heartbeat\n\n');
  }, HEARTBEAT_MS);
  try {
    await Promise.race([writeAll(response, source(closed.signal), closed.signal), closing]);
  } finally {
    clearInterval(heartbeat);
    ended?.removeEventListener('abort', close);
  }
}

/** Writes each event when the client has read enough of those before it. */
async function writeAll(
  response: Response,
  events: AsyncIterable<ServerSentEvent>,
  closed: AbortSignal,
): Promise<void> {
  try {
    for await (const event of events) {
      if (closed.aborted) return;
      if (!response.write(frameOf(event))) await once(response, 'drain', { signal: closed });
    }
  } catch (error) {
    if (!closed.aborted) throw error;
  }
}

/** Streams that send the same event share its bytes. */
const frames = new WeakMap<ServerSentEvent, Buffer>();

function frameOf(event: ServerSentEvent): Buffer {
  const known = frames.get(event);
  if (known) return known;
  const { type, data, id = type === 'end' ? END_ID : undefined } = event;
  const json = typeof data === 'string' ? data : JSON.stringify(data);
  const frame = Buffer.from(`event: ${type}\n${id === undefined ? '' : `id: ${id}\n`}data: ${json}\n\n`);
  frames.set(event, frame);
  return frame;
}
