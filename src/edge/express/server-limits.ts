import { randomUUID } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { NextFunction, Request, Response } from 'express';

/** A head must have arrived in this time, however slowly its sender drips (slowloris). */
const HEAD_TIMEOUT_MS = 10_000;
/** How often connections are looked at for that. */
const CHECK_EVERY_MS = 1_000;
/** Longer than a proxy keeps an idle connection (60 s is usual), so that it never sends into one that we just closed. */
const KEEP_ALIVE_MS = 65_000;
/** Connections of one process; further ones are closed at once. Each costs memory whether it asks for anything or not. */
const MAX_CONNECTIONS = 10_000;
const MAX_HEADERS = 100;

/** What Node's parser refuses, by its codes; whatever else it refuses is 400. */
const REFUSALS: Record<string, { status: number; detail: string }> = {
  HPE_HEADER_OVERFLOW: { status: 431, detail: 'The headers are over the limit of 16 KiB' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, detail: 'The chunk extensions are over the limit of 16 KiB' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'The request did not arrive in time' },
};
const MALFORMED = { status: 400, detail: 'This is not a valid HTTP request' };

/**
 * Bounds what a connection may take, and says what was wrong where there is no request yet that could be answered.
 * @param requestTimeoutMs Longest time in which a whole request must have arrived. Answering has its own limits.
 */
export function limitServer(server: Server, requestTimeoutMs: number): void {
  server.requestTimeout = requestTimeoutMs;
  server.headersTimeout = Math.min(HEAD_TIMEOUT_MS, requestTimeoutMs);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = MAX_CONNECTIONS;
  // An option of createServer, which Nest calls; read when the server begins to listen.
  Object.assign(server, { connectionsCheckingInterval: CHECK_EVERY_MS });
  server.on('clientError', refuse);
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const body = problemText(417, 'Only 100-continue can be expected', '/');
    const headers = { 'Content-Type': 'application/problem+json', 'Content-Length': Buffer.byteLength(body) };
    response.writeHead(417, { ...headers, 'X-Request-Id': randomUUID() }).end(body);
  });
}

/** Further headers are refused. Node would drop them silently, and it is the last ones that proxies add. */
export function refuseManyHeaders(request: Request, response: Response, next: NextFunction): void {
  if (request.rawHeaders.length <= 2 * MAX_HEADERS) return next();
  const detail = `There are more than ${MAX_HEADERS} headers`;
  response
    .status(431)
    .type('application/problem+json')
    .send(problemText(431, detail, request.path));
}

function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  // Node's own handler of this event asks the same.
  const answer = Reflect.get(socket, '_httpMessage') as ServerResponse | null | undefined;
  // In the middle of an answer another one would be taken for a part of it.
  if (!socket.writable || error.code === 'ECONNRESET' || answer?.headersSent) {
    socket.destroy();
    return;
  }
  const { status, detail } = REFUSALS[error.code ?? ''] ?? MALFORMED;
  const body = problemText(status, detail, '/');
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${randomUUID()}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function problemText(status: number, detail: string, instance: string): string {
  return JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail, instance });
}
