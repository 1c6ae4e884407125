import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import helmet from 'helmet';

/**
 * Headers of pages. Swagger UI and the dashboard load everything from this origin; inline styles are allowed, inline scripts
 * are not. HSTS and the upgrade of insecure requests belong to the proxy that ends TLS.
 */
const pageHeaders = headersOf(
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'self'"],
        'script-src': ["'self'"],
        'script-src-attr': ["'none'"],
        'style-src': ["'self'", "'unsafe-inline'"],
        'img-src': ["'self'", 'data:'],
        'object-src': ["'none'"],
        'base-uri': ["'self'"],
        'form-action': ["'self'"],
        'frame-ancestors': ["'none'"],
      },
    },
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
  }),
);

/** Headers of API responses, which a browser must never render as a page. */
const dataHeaders: [string, string][] = [
  ['Content-Security-Policy', "default-src 'none';frame-ancestors 'none'"],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'DENY'],
];

/** Express middleware: sets helmet's headers, which are computed once because they are constant. */
export function setSecurityHeaders(request: Request, response: Response, next: NextFunction): void {
  const isData = request.url.startsWith('/api/') || request.url.startsWith('/admin/queues/api/');
  const headers = isData ? dataHeaders : pageHeaders;
  for (const [name, value] of headers) response.setHeader(name, value);
  next();
}

function headersOf(
  middleware: (request: IncomingMessage, response: ServerResponse, next: () => void) => void,
): [string, string][] {
  const headers: [string, string][] = [];
  const response = {
    setHeader: (name: string, value: string) => headers.push([name, value]),
    removeHeader: () => undefined,
  };
  middleware({} as IncomingMessage, response as unknown as ServerResponse, () => undefined);
  return headers;
}
