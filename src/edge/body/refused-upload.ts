import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Bytes and time of a refused upload that are read, and the number of uploads that are read at the same time. */
const DRAIN_BYTES = 2 * 1024 * 1024;
const DRAIN_MS = 1_000;
const MAX_DRAINS = 8;

/** A body of this length usually arrives with the head. */
const SMALL_BYTES = 16 * 1024;

let drains = 0;

/** Requests of clients that are refused too often to be worth a drain. */
const hostile = new WeakSet<IncomingMessage>();

/** Lets the connection close right after the response, if the upload has not arrived by then. */
export function closeUpload(request: IncomingMessage): void {
  hostile.add(request);
}

/**
 * Express middleware: bounds the reading of a body that is still arriving when the response is complete. Node would read
 * it to its end. Closing at once would reset the connection, and a client that sends before it reads would not see the
 * response; so a few uploads are drained, up to a limit, and all others are closed.
 */
export function boundRefusedUploads(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const { 'transfer-encoding': encoding, 'content-length': length = '0' } = request.headers;
  const isChunked = encoding !== undefined;
  // Before Node's own listener, which starts to read without a bound.
  if (isChunked || length !== '0') response.prependListener('finish', () => endUpload(request));
  // Unread bytes stay in the socket, where they cost the process no memory, until the request reads its body.
  if (isChunked || Number(length) > SMALL_BYTES) request.socket.pause();
  next();
}

function endUpload(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  if (drains >= MAX_DRAINS || hostile.has(request)) request.socket.destroySoon();
  else drain(request, request.socket);
}

function drain(request: IncomingMessage, socket: Socket): void {
  drains += 1;
  let bytes = 0;
  const timer = setTimeout(() => socket.destroy(), DRAIN_MS);
  // Node calls this after a response with `Connection: close`. Half-closing lets the client finish its upload.
  const destroySoon = socket.destroySoon.bind(socket);
  let isClosing = false;
  socket.destroySoon = () => {
    isClosing = true;
    socket.end();
  };
  const stop = (): void => {
    clearTimeout(timer);
    drains -= 1;
    socket.off('close', stop);
    request.off('end', stop);
    socket.destroySoon = destroySoon;
    if (isClosing) socket.destroySoon();
  };
  socket.once('close', stop);
  request.once('end', stop);
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DRAIN_BYTES) socket.destroy();
  });
  request.on('error', () => undefined);
  request.resume();
}
