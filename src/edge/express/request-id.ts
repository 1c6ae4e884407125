import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';

const HEADER = 'X-Request-Id';
/** Ids of callers that are safe to log. */
const ALLOWED = /^[\w.:-]{1,128}$/;

/** Express middleware: sets `X-Request-Id` of the response, to the caller's id if it is safe to log, else to a new UUID. */
export function assignRequestId(request: Request, response: Response, next: NextFunction): void {
  const given = request.header(HEADER);
  response.setHeader(HEADER, given !== undefined && ALLOWED.test(given) ? given : randomUUID());
  next();
}

/** The request id of a response; empty before {@link assignRequestId} has run. */
export function requestId(response: Response): string {
  return String(response.getHeader(HEADER) ?? '');
}
