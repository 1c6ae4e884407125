import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NotFoundException } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import { PACKAGE_FOLDER } from '../../platform/package.js';

/** The built dashboard (`web/`). Each text file is there with gzip too. */
const ROOT = fileURLToPath(new URL('dist/web/', PACKAGE_FOLDER));
const YEAR_MS = 365 * 86_400_000;
/** Files whose name has a hash of their content, so that the content of a name never changes. */
const HASHED = /^\/app\/assets\//;
const FILE = /^\/app\/(?:assets\/[\w.-]+|icon\.svg|theme\.js)$/;

/**
 * Serves the dashboard: its page at `/` and at every path under `/app`, which shows the view of the path, and its files. Outside
 * Nest's guards, as the pages of the API description: they contain no data.
 */
export function serveDashboard(app: NestExpressApplication): void {
  app.getHttpAdapter().getInstance().get(['/', '/app', '/app/*path'], answer);
}

function answer(request: Request, response: Response, next: NextFunction): void {
  const isHashed = HASHED.test(request.path);
  if (FILE.test(request.path)) {
    const name = request.path.slice('/app/'.length);
    if (isHashed) return sendFile(name, { maxAge: YEAR_MS, immutable: true }, { request, response, next });
    return sendFile(name, unhashed(name, response), { request, response, next });
  }
  if (isHashed) {
    next(new NotFoundException('The dashboard has no such file. Reload the page: it may be of an older version'));
    return;
  }
  const policy = String(response.getHeader('Content-Security-Policy'));
  response.setHeader('Content-Security-Policy', policy.replace(" 'unsafe-inline'", ''));
  sendFile('index.html', unhashed('index.html', response), { request, response, next });
}

/**
 * Makes browsers ask for a file each time. Its tag changes with every build, also with an older one after a newer one,
 * which the time of a change does not show.
 */
function unhashed(name: string, response: Response): { cacheControl: false; lastModified: false } {
  const stats = statSync(ROOT + name, { throwIfNoEntry: false });
  if (stats) response.setHeader('ETag', `W/"${stats.size.toString(16)}-${Math.trunc(stats.mtimeMs).toString(16)}"`);
  response.setHeader('Cache-Control', 'no-cache');
  return { cacheControl: false, lastModified: false };
}

function sendFile(
  name: string,
  options: { maxAge?: number; immutable?: boolean; cacheControl?: boolean; lastModified?: boolean },
  { request, response, next }: { request: Request; response: Response; next: NextFunction },
): void {
  const isCompressed = request.acceptsEncodings('gzip') !== false;
  response.vary('Accept-Encoding').type(name.slice(name.lastIndexOf('.')));
  if (isCompressed) response.setHeader('Content-Encoding', 'gzip');
  response.sendFile(isCompressed ? `${name}.gz` : name, { root: ROOT, ...options }, (error?: Error) => {
    if (!error || response.headersSent) return;
    for (const header of ['Content-Encoding', 'ETag', 'Cache-Control']) response.removeHeader(header);
    const isRefused = 'status' in error && (error.status === 412 || error.status === 416);
    next(isRefused ? error : new NotFoundException('The dashboard has no such file. Run npm run build'));
  });
}
