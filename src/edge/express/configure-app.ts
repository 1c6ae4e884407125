import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { NestExpressApplication } from '@nestjs/platform-express';
import express from 'express';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Config } from '../../platform/config/config.js';
import { refuseForeignPages } from '../csrf/csrf-protection.js';
import { problemOf } from '../problem/problem.js';
import { assignRequestId } from './request-id.js';
import { setSecurityHeaders } from './security-headers.js';
import { limitServer, refuseManyHeaders } from './server-limits.js';

const BODY_LIMIT_BYTES = 256 * 1024;
const BATCH_BODY_LIMIT_BYTES = 1024 * 1024;
const BATCH_PATH = /^\/api\/batch(\/|$)/i;
/** Headers that a page of another origin may read. */
const EXPOSED_HEADERS = [
  'Content-Disposition',
  'ETag',
  'Idempotency-Replayed',
  'Location',
  'Preference-Applied',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
];

/** Configures the server and the Express middleware that runs before Nest. */
export function configureApp(
  app: NestExpressApplication,
  config: Pick<Config, 'AUTH' | 'HOST' | 'CORS_ORIGINS' | 'TRUST_PROXY' | 'REQUEST_TIMEOUT'>,
): void {
  limitServer(app.getHttpServer(), config.REQUEST_TIMEOUT);
  app.set('trust proxy', config.TRUST_PROXY);
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  // Express would make one of every answer's bytes; only report files have one, and it is their SHA-256.
  app.disable('etag');
  for (const middleware of [assignRequestId, setSecurityHeaders, refuseManyHeaders, ...refuseForeignPages(config)])
    app.use(middleware);
  if (config.CORS_ORIGINS.length > 0) app.enableCors({ origin: config.CORS_ORIGINS, exposedHeaders: EXPOSED_HEADERS });
  app.use(refuseOtherMediaTypes);
  app.use(bodyParser());
  app.use(answerParserError);
}

function bodyParser(): RequestHandler {
  // An empty body is none: the parser would take it for `{}`, which asks for the default report. Any other is JSON by now.
  const options = { type: hasBody, verify: refuseOtherThanText };
  const ofBatch = express.json({ ...options, limit: BATCH_BODY_LIMIT_BYTES });
  const ofOthers = express.json({ ...options, limit: BODY_LIMIT_BYTES });
  return (request, response, next) => (BATCH_PATH.test(request.path) ? ofBatch : ofOthers)(request, response, next);
}

/** A body that is not JSON would be silently ignored, and its sender told that every field is missing. */
function refuseOtherMediaTypes(request: Request, response: Response, next: NextFunction): void {
  if (!hasBody(request) || isJson(request)) return next();
  const detail = 'Send the body as application/json';
  const problem = { type: 'about:blank', title: 'Unsupported Media Type', status: 415, detail, instance: request.path };
  response.status(415).type('application/problem+json').send(JSON.stringify(problem));
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function isJson(request: Request): boolean {
  // What nearly everybody sends, without taking it apart.
  if (request.headers['content-type'] === 'application/json') return true;
  return request.is(['json', '+json']) !== false;
}

/**
 * JSON is UTF-8 (RFC 8259, 8.1). The parser would put U+FFFD for what is not, and the report would be of another text;
 * of chunks without a byte in them it would make `{}`.
 */
function refuseOtherThanText(_request: unknown, _response: unknown, body: Buffer): void {
  // With this type it is the parser's own error, so that it is answered like any other JSON that is none.
  if (body.length === 0 || !isUtf8(body)) throw Object.assign(new Error(), { type: 'entity.parse.failed' });
}

/** The parser runs before Nest, so its errors do not reach Nest's filter. */
function answerParserError(error: unknown, request: Request, response: Response, next: NextFunction): void {
  if (response.headersSent) return next(error);
  const { problem } = problemOf(error, request.path);
  response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}
