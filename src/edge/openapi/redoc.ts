import { fileURLToPath } from 'node:url';
import type { INestApplication } from '@nestjs/common';
import type { Request, Response } from 'express';
import { PACKAGE_FOLDER } from '../../platform/package.js';

/**
 * Redoc 2.5.4's bundle from npm, unchanged. Its package would install 115 others (85 MB), and the page needs this file only.
 * test/edge/redoc.spec.ts has its SHA-256.
 */
const BUNDLE = fileURLToPath(new URL('web/redoc/redoc.standalone.js', PACKAGE_FOLDER));
const DAY_S = 86_400;

/** The image of the link to Redoc's site is on another host, which the security headers do not allow. */
const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Daybook API</title>
    <style>body { margin: 0 } a[href="https://redocly.com/redoc/"] img { display: none }</style>
  </head>
  <body>
    <redoc spec-url="/openapi.json"></redoc>
    <script src="/redoc/redoc.standalone.js"></script>
  </body>
</html>
`;

/** Serves the OpenAPI document as a page to read at `/redoc`. */
export function serveRedoc(app: INestApplication): void {
  const adapter = app.getHttpAdapter();
  adapter.get('/redoc', (_request: Request, response: Response) => {
    const policy = String(response.getHeader('Content-Security-Policy'));
    // The search of Redoc runs in a worker that it creates from its own bundle.
    response.setHeader('Content-Security-Policy', `${policy};worker-src blob:`);
    response.type('html').send(PAGE);
  });
  adapter.get('/redoc/redoc.standalone.js', (_request: Request, response: Response) => {
    response.sendFile(BUNDLE, { maxAge: DAY_S * 1_000 });
  });
}
