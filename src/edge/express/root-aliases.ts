import type { NextFunction, Request, Response } from 'express';

/** `/sync`, `/async`, `/requests` and `/requests/{id}`, with or without a slash at the end and a query. */
const ALIAS = /^\/(?:sync|async|requests(?:\/[^/?]+)?)\/?(?=\?|$)/i;

/**
 * Express middleware: serves these paths at the root like those under `/api`. It rewrites the URL before routing, so that
 * both spellings share handlers, limits and idempotency keys.
 */
export function rewriteRootAliases(request: Request, _response: Response, next: NextFunction): void {
  if (ALIAS.test(request.url)) request.url = `/api${request.url}`;
  next();
}
