import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { HttpException } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { endWithProblem, rawProblem } from './raw-problem.js';

/** Time in which the whole head of a request must arrive, against clients that send it slowly (slowloris). */
const HEAD_TIMEOUT_MS = 10_000;
/** How often Node checks connections for these timeouts. */
const CHECK_EVERY_MS = 1_000;
/** Longer than the idle timeout of proxies (60 s is usual), so that a proxy never sends to a connection that just closed. */
const KEEP_ALIVE_MS = 65_000;
const MAX_HEADERS = 100;

/** Errors of Node's HTTP parser by their code; any other is 400. */
const PARSER_ERRORS: Record<string, { status: number; detail: string }> = {
  HPE_HEADER_OVERFLOW: { status: 431, detail: 'The headers are over the limit of 16 KiB' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, detail: 'The chunk extensions are over the limit of 16 KiB' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'The request did not arrive before the timeout' },
  HPE_INVALID_VERSION: { status: 400, detail: 'This server speaks HTTP/1.1' },
  HPE_PAUSED_H2_UPGRADE: { status: 400, detail: 'This server speaks HTTP/1.1, not HTTP/2' },
};
const MALFORMED = { status: 400, detail: 'This is not a valid HTTP request' };
const UNKNOWN_METHOD = { status: 400, detail: 'The method of this request is unknown' };
const TLS = { status: 400, detail: 'This is TLS; the port speaks HTTP without it' };

/** First byte of a TLS handshake (RFC 8446, section 5.1). */
const TLS_HANDSHAKE = 0x16;
/** A request line begins with a method and a space (RFC 9112, section 3). */
const METHOD = /^[!#$%&'*+.^_`|~\w-]+ /;
/** Longer than any method. */
const METHOD_BYTES = 64;

/**
 * Limits the time that the head of a request may take to arrive, and answers requests that Node rejects before Express sees
 * them. The reader of a body limits the time of the body, since a streamed one may take any time.
 * @param requestTimeoutMs Time in which a whole request must arrive. It does not limit the response.
 */
export function limitServer(server: Server, requestTimeoutMs: number): void {
  server.requestTimeout = 0;
  server.headersTimeout = Math.min(HEAD_TIMEOUT_MS, requestTimeoutMs);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  // An option of createServer, which the Express adapter calls. Node reads it when the server starts to listen.
  Object.assign(server, { connectionsCheckingInterval: CHECK_EVERY_MS });
  server.on('clientError', answerParserError);
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const { headers, body } = rawProblem(417, 'The only supported expectation is 100-continue');
    response.writeHead(417, headers).end(body);
  });
}

/** Express middleware: rejects requests with more headers. Node drops the last ones silently, which proxies add. */
export function limitHeaderCount(request: Request, _response: Response, next: NextFunction): void {
  const isOver = request.rawHeaders.length > 2 * MAX_HEADERS;
  next(isOver ? new HttpException(`There are more than ${MAX_HEADERS} headers`, 431) : undefined);
}

function answerParserError(error: ParserError, socket: Duplex): void {
  // Node's default handler of this event makes the same check.
  const response = Reflect.get(socket, '_httpMessage') as ServerResponse | null | undefined;
  // After the head of a response, the client would read a second one as a part of the body.
  if (!socket.writable || error.code === 'ECONNRESET' || response?.headersSent) {
    socket.destroy();
    return;
  }
  const { status, detail } = answerTo(error);
  endWithProblem(socket, status, detail);
}

/** An error of Node's HTTP parser, with the bytes that it could not read. */
type ParserError = NodeJS.ErrnoException & { rawPacket?: Buffer };

function answerTo({ code = '', rawPacket }: ParserError): { status: number; detail: string } {
  if (code !== 'HPE_INVALID_METHOD') return PARSER_ERRORS[code] ?? MALFORMED;
  if (rawPacket?.[0] === TLS_HANDSHAKE) return TLS;
  return METHOD.test(rawPacket?.toString('latin1', 0, METHOD_BYTES) ?? '') ? UNKNOWN_METHOD : MALFORMED;
}
