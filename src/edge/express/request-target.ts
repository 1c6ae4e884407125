import { BadRequestException } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { isPercentEncoded } from '../../platform/config/values.js';
import { DaybookError } from '../../platform/errors.js';
import { METHODS } from './protocol.js';

/** The path or a query parameter has a percent sequence that is not UTF-8. */
export class PercentEncodingInvalid extends DaybookError {
  readonly code = 'percent-encoding-invalid';
  constructor(
    where: string,
    override readonly path?: string,
  ) {
    super(`${where} has a percent sequence that is not UTF-8; write a percent sign as %25`);
  }
}

/** `http://host/path`, which clients send to a proxy (RFC 9112, section 3.2.2). Its groups: authority, path and query. */
const ABSOLUTE_FORM = /^https?:\/\/([^/?#@]+)((?:[/?].*)?)$/i;

/**
 * Express middleware: serves `GET http://host/path` like `GET /path`. The host in the target counts instead of the header,
 * which must be present anyway.
 */
export function rewriteAbsoluteTarget(request: Request, _response: Response, next: NextFunction): void {
  const [, authority, rest = ''] = request.url.startsWith('/') ? [] : (ABSOLUTE_FORM.exec(request.url) ?? []);
  if (authority !== undefined) {
    request.url = rest.startsWith('/') ? rest : `/${rest}`;
    if (request.headers.host !== undefined || request.httpVersion !== '1.1') request.headers.host = authority;
  }
  next();
}

/**
 * Express middleware: answers `OPTIONS *`, and rejects targets that no route could read as the caller wrote them. Express
 * would decode an invalid percent sequence of a query to U+FFFD.
 */
export function requireReadableTarget(request: Request, response: Response, next: NextFunction): void {
  const { url } = request;
  if (url === '*' && request.method === 'OPTIONS') {
    response.status(204).setHeader('Allow', METHODS).end();
    return;
  }
  if (!url.startsWith('/') || url.includes('#'))
    return next(new BadRequestException('The target of the request must be a path, such as /api/requests'));
  next(url.includes('%') ? encodingError(url) : undefined);
}

function encodingError(url: string): Error | undefined {
  const queryAt = url.indexOf('?');
  const [path, query] = queryAt < 0 ? [url, ''] : [url.slice(0, queryAt), url.slice(queryAt + 1)];
  if (!isPercentEncoded(path)) return new PercentEncodingInvalid('The path');
  const parameter = query.split('&').find((part) => !isPercentEncoded(part));
  if (parameter === undefined) return undefined;
  const [name = ''] = parameter.split('=', 1);
  const shown = isPercentEncoded(name) ? decodeURIComponent(name) : name;
  return new PercentEncodingInvalid(`The query parameter ${shown}`, shown);
}
