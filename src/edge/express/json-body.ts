import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import {
  BadRequestException,
  HttpException,
  PayloadTooLargeException,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import express from 'express';
import type { Request, RequestHandler } from 'express';

const BODY_LIMIT_BYTES = 256 * 1024;
const BATCH_BODY_LIMIT_BYTES = 1024 * 1024;
const BATCH_PATH = /^\/api\/batch(\/|$)/i;

/**
 * Express middleware that reads a JSON body into `request.body`, which stays undefined without one. Errors are Nest's
 * HTTP exceptions: 400 for malformed JSON, 413 over the size limit, 415 for any other media type or encoding.
 */
export function readJsonBody(): RequestHandler {
  // The parser takes an empty body for `{}`, which is a request for the default report, so it must not see one.
  const options = { type: hasBody, verify: requireUtf8 };
  const batchParser = express.json({ ...options, limit: BATCH_BODY_LIMIT_BYTES });
  const parser = express.json({ ...options, limit: BODY_LIMIT_BYTES });
  return (request, response, next) => {
    // Otherwise the body would be ignored, and the caller would get 422 for fields that it has sent.
    if (hasBody(request) && !isJson(request))
      return next(new UnsupportedMediaTypeException('Send the body as application/json'));
    const parse = BATCH_PATH.test(request.path) ? batchParser : parser;
    return parse(request, response, (error?: unknown) => next(error === undefined ? undefined : bodyError(error)));
  };
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function isJson(request: Request): boolean {
  // The usual header needs no parsing.
  if (request.headers['content-type'] === 'application/json') return true;
  return request.is(['json', '+json']) !== false;
}

/**
 * JSON is UTF-8 (RFC 8259, section 8.1). The parser would replace invalid bytes by U+FFFD, and turn an empty chunked body
 * into `{}`.
 */
function requireUtf8(_request: unknown, _response: unknown, body: Buffer): void {
  // The type of the parser's own error for malformed JSON.
  if (body.length === 0 || !isUtf8(body)) throw Object.assign(new Error(), { type: 'entity.parse.failed' });
}

/** Translates an error of the body parser. Returns other errors unchanged. */
export function bodyError(error: unknown): unknown {
  if (!(error instanceof Error) || !('status' in error)) return error;
  // An error of zlib: the body is not compressed as Content-Encoding says.
  if (!('type' in error)) {
    if (error.status !== 400 || !('errno' in error)) return error;
    return new BadRequestException('The body is not compressed as its Content-Encoding says');
  }
  if (error.type === 'entity.parse.failed') return new BadRequestException('The body is not valid JSON');
  if (error.type === 'entity.too.large') {
    const limit = 'limit' in error ? ` of ${String(error.limit)} bytes` : '';
    return new PayloadTooLargeException(`The body is over the limit${limit}`);
  }
  const status = Number(error.status);
  return status >= 400 && status < 500 ? new HttpException(error.message, status) : error;
}
