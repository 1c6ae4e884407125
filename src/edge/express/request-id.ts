import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';

const HEADER = 'X-Request-Id';
/** A caller's own id is kept if it can do no harm in a log. */
const ALLOWED = /^[\w.:-]{1,128}$/;

/** Express middleware: every response carries an id, the caller's or a new one. */
export function assignRequestId(request: Request, response: Response, next: NextFunction): void {
  const given = request.header(HEADER);
  response.setHeader(HEADER, given !== undefined && ALLOWED.test(given) ? given : randomUUID());
  next();
}

/** The id of the request that this is the response to. */
export function requestId(response: Response): string {
  return String(response.getHeader(HEADER) ?? '');
}
