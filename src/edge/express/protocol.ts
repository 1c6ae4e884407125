import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { BadRequestException } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { endWithProblem } from './raw-problem.js';

/** The methods that some route has. */
export const METHODS = 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT';
/** Time in which a client whose CONNECT was refused must close its side of the connection. */
const CLOSE_MS = 1_000;

/** Answers CONNECT, whose connection Node would close without an answer: this server is no proxy (RFC 9110, section 9.3.6). */
export function refuseTunnels(server: Server): void {
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => undefined).resume();
    endWithProblem(socket, 405, 'This server is no proxy: it does not support CONNECT', { Allow: METHODS });
    const timer = setTimeout(() => socket.destroy(), CLOSE_MS);
    socket.once('close', () => clearTimeout(timer));
  });
}

/**
 * Express middleware: ignores `Upgrade`, as a server may (RFC 9110, section 7.8). The connection closes after the response,
 * because Node reads no further request from it.
 */
export function stayOnHttp1({ headers }: Request, response: Response, next: NextFunction): void {
  if (headers.upgrade !== undefined) response.setHeader('Connection', 'close');
  next();
}

/**
 * Express middleware: rejects other versions of HTTP than 1.x, and transfer codings other than `chunked`. With 400, since a 5xx
 * of this service is always a failure of its own.
 */
export function requireHttp1({ headers, httpVersionMajor }: Request, _response: Response, next: NextFunction): void {
  const coding = headers['transfer-encoding'];
  if (httpVersionMajor !== 1) return next(new BadRequestException('This server speaks HTTP/1.1'));
  const isForeign = coding !== undefined && coding.trim().toLowerCase() !== 'chunked';
  next(isForeign ? new BadRequestException('The only supported Transfer-Encoding is chunked') : undefined);
}
