import { BadRequestException } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';

/** Request headers that the service uses and that have one value, so that a second one would be ignored or joined. */
const SINGLE = new Set([
  'authorization',
  'content-length',
  'content-type',
  'cookie',
  'daybook-account',
  'expect',
  'host',
  'idempotency-key',
  'if-modified-since',
  'if-range',
  'if-unmodified-since',
  'last-event-id',
  'origin',
  'range',
  'sec-fetch-site',
  'x-benchmark-token',
  'x-idempotency-key',
  'x-request-id',
]);

/** Express middleware: rejects requests that repeat a header of {@link SINGLE} (RFC 9110, section 5.3). */
export function rejectRepeatedHeaders({ rawHeaders }: Request, _response: Response, next: NextFunction): void {
  let seen = '';
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    if (!SINGLE.has(name)) continue;
    if (seen.includes(`,${name},`))
      return next(new BadRequestException(`The header ${rawHeaders[index]} may come once`));
    seen += `,${name},`;
  }
  next();
}

/** Characters that a host and port cannot have. */
const NO_HOST = /[\s/\\?#@]/;

/** Express middleware: rejects HTTP/1.1 requests without `Host`, and an invalid one (RFC 9112, section 3.2). */
export function requireHost({ headers, httpVersion }: Request, _response: Response, next: NextFunction): void {
  const { host } = headers;
  if (host !== undefined && NO_HOST.test(host)) return next(new BadRequestException('The header Host is not valid'));
  const isMissing = host === undefined && httpVersion === '1.1';
  next(isMissing ? new BadRequestException('The header Host is missing') : undefined);
}
