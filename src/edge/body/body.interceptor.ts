import type { IncomingMessage } from 'node:http';
import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  PayloadTooLargeException,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import type { Observable } from 'rxjs';
import { RequiredScope } from '../../http/auth.decorators.js';
import { BodyStream, StreamedBody, setBodyStream } from '../../http/streams/body-stream.js';
import { callerOf } from '../../http/caller.js';
import { BodyReader } from './body-reader.js';
import { acceptExpectation } from './expect-continue.js';
import { parseJson } from './json-bytes.js';

const LIMIT_BYTES = 256 * 1024;
const BATCH_LIMIT_BYTES = 1024 * 1024;
const BATCH_PATH = '/api/batch';

/**
 * Reads a JSON body into `request.body`, which stays undefined without one; a route that streams its body reads it itself. It runs behind the guards, so that a request
 * which they refuse costs only its headers, and before the interceptors that use the body.
 * @throws BadRequestException for malformed JSON, PayloadTooLargeException over the limit, UnsupportedMediaTypeException for
 * any other media type and for any `Content-Encoding` (a small body could inflate to any size).
 */
@Injectable()
export class BodyInterceptor implements NestInterceptor {
  constructor(
    private readonly reader: BodyReader,
    private readonly reflector: Reflector,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity')
      throw new UnsupportedMediaTypeException('Send the body without Content-Encoding');
    const streamed = this.reflector.get(StreamedBody, context.getHandler());
    if (streamed) {
      const mediaType = streamedType(request, streamed);
      const response = http.getResponse<Response>();
      setBodyStream(request, new BodyStream(mediaType, request, () => acceptExpectation(request, response)));
      return next.handle();
    }
    if (!hasBody(request) || this.isOpenRead(context, request)) return next.handle();
    const bytes = this.read(request, http.getResponse<Response>());
    if (!(bytes instanceof Promise)) {
      request.body = parseJson(bytes);
      return next.handle();
    }
    return bytes.then((read) => {
      request.body = parseJson(read);
      return next.handle();
    });
  }

  /** Health and metrics, which anyone may call, ignore a body. They are all that a worker serves. */
  private isOpenRead(context: ExecutionContext, { method }: Request): boolean {
    if (method !== 'GET' && method !== 'HEAD') return false;
    return this.reflector.getAllAndOverride(RequiredScope, [context.getHandler(), context.getClass()]) === null;
  }

  private read(request: Request, response: Response): Buffer | Promise<Buffer> {
    const isChunked = request.headers['content-length'] === undefined;
    // Otherwise the body would be ignored, and the caller would get 422 for fields that it has sent.
    const notJson = () => new UnsupportedMediaTypeException('Send the body as application/json');
    const accepted = isJson(request);
    if (!accepted && !isChunked) throw notJson();
    // The path of the route, because other spellings of the URL (a trailing slash) have the same limit.
    const isBatch = (request.route as { path: string }).path === BATCH_PATH;
    const limitBytes = isBatch ? BATCH_LIMIT_BYTES : LIMIT_BYTES;
    const tooLarge = () => new PayloadTooLargeException(`The body is over the limit of ${limitBytes} bytes`);
    if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge();
    acceptExpectation(request, response);
    // A chunked body without bytes is no body, whatever its type.
    const reading = accepted ? { limitBytes, tooLarge } : { limitBytes: 0, tooLarge: notJson };
    return this.reader.read(request, callerOf(request), reading);
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function isJson(request: Request): boolean {
  // The usual header needs no parsing.
  if (request.headers['content-type'] === 'application/json') return true;
  return request.is(['json', '+json']) !== false;
}

/** @throws UnsupportedMediaTypeException unless a body has one of the types, in UTF-8. */
function streamedType({ headers }: IncomingMessage, types: readonly string[]): string {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const isForeign = parameters.some((text) => /^\s*charset=/.test(text) && !/^\s*charset="?utf-?8"?\s*$/.test(text));
  if (types.includes(type.trim()) && !isForeign) return type.trim();
  throw new UnsupportedMediaTypeException(`Send the body as ${types.join(' or ')}, in UTF-8`);
}
