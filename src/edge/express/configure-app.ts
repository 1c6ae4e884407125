import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, RequestHandler } from 'express';
import type { Config } from '../../platform/config/config.js';
import { serializedOrigin } from '../../platform/config/values.js';
import { csrfProtection } from '../csrf/csrf-protection.js';
import { delayContinue } from '../body/expect-continue.js';
import { boundRefusedUploads } from '../body/refused-upload.js';
import { endUnreadResponses, limitConnections } from './connection-limits.js';
import { assignRequestId } from './request-id.js';
import { refuseTunnels, requireHttp1, stayOnHttp1 } from './protocol.js';
import { requireReadableTarget, rewriteAbsoluteTarget } from './request-target.js';
import { rewriteRootAliases } from './root-aliases.js';
import { setSecurityHeaders } from './security-headers.js';
import { limitHeaderCount, limitServer } from './server-limits.js';
import { rejectRepeatedHeaders, requireHost } from './single-headers.js';

/** Response headers that pages of `CORS_ORIGINS` may read. */
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

/** Sets the limits of the HTTP server and adds the Express middleware that runs before Nest. */
export function configureApp(
  app: NestExpressApplication,
  config: Pick<Config, 'AUTH' | 'HOST' | 'CORS_ORIGINS' | 'TRUST_PROXY' | 'REQUEST_TIMEOUT'>,
): void {
  limitServer(app.getHttpServer(), config.REQUEST_TIMEOUT);
  refuseTunnels(app.getHttpServer());
  app.set('trust proxy', config.TRUST_PROXY);
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  // Express would hash every response. Only report files have an ETag, and it is their SHA-256.
  app.disable('etag');
  limitConnections(app.getHttpServer(), config.TRUST_PROXY !== false);
  endUnreadResponses(app.getHttpServer());
  delayContinue(app.getHttpServer());
  app.use(
    inOrder([
      rewriteAbsoluteTarget,
      rewriteRootAliases,
      boundRefusedUploads,
      assignRequestId,
      setSecurityHeaders,
      stayOnHttp1,
      requireHttp1,
      limitHeaderCount,
      requireHost,
      requireReadableTarget,
      rejectRepeatedHeaders,
      ...csrfProtection(config),
    ]),
  );
  if (config.CORS_ORIGINS.length > 0)
    app.enableCors({ origin: isAllowed(config.CORS_ORIGINS), exposedHeaders: EXPOSED_HEADERS });
}

/** Express middleware that runs others in order, without the router's work between two of them. */
function inOrder(middleware: readonly RequestHandler[]): RequestHandler {
  return (request, response, next) => {
    let index = 0;
    const goOn: NextFunction = (error?: unknown) => {
      const handler = error === undefined ? middleware[index++] : undefined;
      if (handler) void handler(request, response, goOn);
      else next(error);
    };
    goOn();
  };
}

/** @returns The check of an `Origin`, for the CORS middleware, which would compare texts. */
function isAllowed(origins: readonly string[]) {
  return (origin: string | undefined, done: (error: null, isAllowed: boolean) => void): void => {
    const serialized = origin === undefined ? null : serializedOrigin(origin);
    done(null, serialized !== null && origins.includes(serialized));
  };
}
