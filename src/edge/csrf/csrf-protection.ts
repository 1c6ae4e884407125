import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Config } from '../../platform/config/config.js';
import { isLoopbackHost, isLoopbackName } from '../../platform/config/loopback.js';
import { serializedOrigin } from '../../platform/config/values.js';
import { DaybookError } from '../../platform/errors.js';

/** A web page of an origin that is neither ours nor in `CORS_ORIGINS` sent a request that changes something. */
export class ForeignOrigin extends DaybookError {
  readonly code = 'foreign-origin';
  constructor() {
    super('Web pages of other origins may not change anything here, except those of CORS_ORIGINS');
  }
}

/** The request names a host that is not this machine. */
export class ForeignHost extends DaybookError {
  readonly code = 'foreign-host';
  constructor() {
    super(
      'The Host must be localhost, a name that ends in .localhost, a loopback address, or that of an origin in CORS_ORIGINS',
    );
  }
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const SCHEME = /^https?:\/\//;
const PORT = /:\d*$/;
const DEFAULT_PORT = /:(?:80|443)?$/;

type Settings = Pick<Config, 'AUTH' | 'HOST' | 'CORS_ORIGINS'>;

/**
 * Express middleware that stops web pages from calling an open installation through the browser of a user who can reach
 * it. With `AUTH=required` there is none: a browser does not send API keys by itself.
 */
export function csrfProtection(settings: Settings): RequestHandler[] {
  if (settings.AUTH !== 'open') return [];
  return isLoopbackOnly(settings)
    ? [requireOwnOrigin(settings), requireLoopbackHost(settings)]
    : [requireOwnOrigin(settings)];
}

/** Whether only loopback host names are valid. An installation on another address does not know its own names. */
export function isLoopbackOnly({ AUTH, HOST }: Pick<Config, 'AUTH' | 'HOST'>): boolean {
  return AUTH === 'open' && isLoopbackHost(HOST);
}

/** Against cross-site request forgery: browsers let a form post to any origin without a preflight. */
function requireOwnOrigin({ CORS_ORIGINS }: Settings): RequestHandler {
  const allowed = new Set(CORS_ORIGINS);
  return (request: Request, _response: Response, next: NextFunction) => {
    if (SAFE_METHODS.has(request.method)) return next();
    const { origin, 'sec-fetch-site': site } = request.headers;
    const serialized = origin === undefined ? null : serializedOrigin(origin);
    if (serialized !== null && allowed.has(serialized)) return next();
    const isOwn = origin === undefined || (serialized !== null && hostOf(serialized) === hostOf(request.host ?? ''));
    next(isOwn && site !== 'cross-site' && site !== 'same-site' ? undefined : new ForeignOrigin());
  };
}

/**
 * The host and port of an origin or a `Host`, without a default port. The scheme is ignored, because only a proxy that ends
 * TLS knows the one that the browser used.
 */
function hostOf(text: string): string {
  return text.toLowerCase().replace(SCHEME, '').replace(DEFAULT_PORT, '');
}

/** Against DNS rebinding: a page whose name resolves to this machine has our origin, as the browser sees it. */
function requireLoopbackHost({ CORS_ORIGINS }: Settings): RequestHandler {
  const allowed = new Set(CORS_ORIGINS.map((origin) => origin.replace(SCHEME, '').replace(PORT, '').toLowerCase()));
  return (request: Request, _response: Response, next: NextFunction) => {
    // Not X-Forwarded-Host, which such a page can set. Browsers always send Host.
    const name = (request.headers.host ?? '').replace(PORT, '');
    next(name === '' || isLoopbackName(name) || allowed.has(name.toLowerCase()) ? undefined : new ForeignHost());
  };
}
