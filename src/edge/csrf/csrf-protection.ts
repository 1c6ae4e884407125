import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { cookieOf } from '../../accounts/users/sessions/session-cookie.js';
import type { Config } from '../../platform/config/config.js';
import { isLoopbackHost, isLoopbackName } from '../../platform/config/loopback.js';
import { serializedOrigin } from '../../platform/config/values.js';
import { DaybookError } from '../../platform/errors.js';

/** A web page of an origin that is neither ours nor in `CORS_ORIGINS` sent a request that changes something. */
export class ForeignOrigin extends DaybookError {
  readonly code = 'foreign-origin';
  override readonly message =
    'Web pages of other origins may not change anything here, except those of CORS_ORIGINS, and never with the cookie of a session';
}

/** The request names a host that is not this machine. */
export class ForeignHost extends DaybookError {
  readonly code = 'foreign-host';
  override readonly message =
    'The Host must be localhost, a name that ends in .localhost, a loopback address, or that of an origin in CORS_ORIGINS';
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const SCHEME = /^https?:\/\//;
const PORT = /:\d*$/;
const DEFAULT_PORT = /:(?:80|443)?$/;

type Settings = Pick<Config, 'AUTH' | 'HOST' | 'CORS_ORIGINS'>;

/** Logging in and out, which a foreign page could do without a cookie: it could log a browser in as another user. */
const SESSION_PATH = /^\/api\/session\/?$/i;

/**
 * Express middleware that stops web pages of other origins from changing anything through the browser of a user: requests with
 * the cookie of a session, and with `AUTH=open` all. A browser does not add API keys or access tokens itself, and
 * `Authorization` overrides the cookie, so requests with it pass with `AUTH=required`.
 */
export function csrfProtection(settings: Settings): RequestHandler[] {
  const ofSessions = requireOwnOrigin([], concernsSession);
  if (settings.AUTH !== 'open') return [ofSessions];
  const ofAll = requireOwnOrigin(settings.CORS_ORIGINS, () => true);
  return isLoopbackOnly(settings) ? [ofSessions, ofAll, requireLoopbackHost(settings)] : [ofSessions, ofAll];
}

/** Whether a request is authenticated by the cookie of a session, or sets or deletes it. */
function concernsSession(request: Request): boolean {
  if (SESSION_PATH.test(request.path)) return true;
  return request.headers.authorization === undefined && cookieOf(request) !== undefined;
}

/** Whether only loopback host names are valid. An installation on another address does not know its own names. */
export function isLoopbackOnly({ AUTH, HOST }: Pick<Config, 'AUTH' | 'HOST'>): boolean {
  return AUTH === 'open' && isLoopbackHost(HOST);
}

/**
 * Against cross-site request forgery: browsers let a form post to any origin without a preflight.
 * @param allowedOrigins Other origins whose pages may send these requests.
 */
function requireOwnOrigin(
  allowedOrigins: readonly string[],
  isConcerned: (request: Request) => boolean,
): RequestHandler {
  const allowed = new Set(allowedOrigins);
  return (request: Request, _response: Response, next: NextFunction) => {
    if (SAFE_METHODS.has(request.method) || !isConcerned(request)) return next();
    const { origin, referer, 'sec-fetch-site': site } = request.headers;
    const given = origin ?? (referer === undefined ? undefined : originOf(referer));
    const serialized = given === undefined ? null : serializedOrigin(given);
    if (serialized !== null && allowed.has(serialized)) return next();
    const isOwn = given === undefined || (serialized !== null && hostOf(serialized) === hostOf(request.host ?? ''));
    next(isOwn && site !== 'cross-site' && site !== 'same-site' ? undefined : new ForeignOrigin());
  };
}

/** Old browsers send `Referer` with forms and no `Origin`. Clients that are no browsers send neither. */
const originOf = (referer: string): string => (URL.canParse(referer) ? new URL(referer).origin : 'null');

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
