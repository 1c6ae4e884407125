import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Config } from '../../platform/config/config.js';
import { DaybookError } from '../../platform/errors.js';

/** A web page that is neither ours nor allowed would change something. */
export class ForeignOrigin extends DaybookError {
  readonly code = 'foreign-origin';
  constructor() {
    super('A web page of another origin may change nothing here; CORS_ORIGINS names those that may');
  }
}

/** The request is for a name that is none of this machine's. */
export class ForeignHost extends DaybookError {
  readonly code = 'foreign-host';
  constructor() {
    super(
      'The Host must be localhost, a name that ends in .localhost, a loopback address, or that of an origin in CORS_ORIGINS',
    );
  }
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const LOOPBACK = /^(?:(?:[a-z0-9-]+\.)*localhost\.?|127(?:\.\d{1,3}){3}|\[::1\])$/i;
const SCHEME = /^https?:\/\//;
const PORT = /:\d*$/;

type Settings = Pick<Config, 'AUTH' | 'HOST' | 'CORS_ORIGINS'>;

/**
 * Middleware that keeps web pages of strangers from using the browser of somebody who can reach an open installation.
 * Where an API key is needed there is nothing to keep from them: a browser sends none by itself.
 */
export function refuseForeignPages(settings: Settings): RequestHandler[] {
  if (settings.AUTH !== 'open') return [];
  return [refuseForeignOrigins(settings), ...(answersToLoopbackOnly(settings) ? [refuseForeignHosts(settings)] : [])];
}

/** Whether requests for names that are none of this machine's are refused; elsewhere we do not know our names. */
export function answersToLoopbackOnly({ AUTH, HOST }: Pick<Config, 'AUTH' | 'HOST'>): boolean {
  return AUTH === 'open' && LOOPBACK.test(HOST.includes(':') ? `[${HOST}]` : HOST);
}

/** Against forged requests (CSRF): a form, unlike a script, may post to any origin, and the browser asks nobody. */
function refuseForeignOrigins({ CORS_ORIGINS }: Settings): RequestHandler {
  const allowed = new Set(CORS_ORIGINS);
  return (request: Request, _response: Response, next: NextFunction) => {
    if (SAFE_METHODS.has(request.method)) return next();
    const { origin, 'sec-fetch-site': site } = request.headers;
    if (origin !== undefined && allowed.has(origin)) return next();
    // Origins are compared without their scheme: only a proxy that ends TLS knows which one the browser used.
    const isOwn = origin === undefined || origin.replace(SCHEME, '') === request.host?.toLowerCase();
    next(isOwn && site !== 'cross-site' && site !== 'same-site' ? undefined : new ForeignOrigin());
  };
}

/** Against DNS rebinding: to the browser, a page whose name was pointed at this machine is one of ours. */
function refuseForeignHosts({ CORS_ORIGINS }: Settings): RequestHandler {
  const allowed = new Set(CORS_ORIGINS.map((origin) => origin.replace(SCHEME, '').replace(PORT, '').toLowerCase()));
  return (request: Request, _response: Response, next: NextFunction) => {
    // Not what a proxy says the host was: such a page can say that too. Browsers always send one.
    const name = (request.headers.host ?? '').replace(PORT, '');
    next(name === '' || LOOPBACK.test(name) || allowed.has(name.toLowerCase()) ? undefined : new ForeignHost());
  };
}
