import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  Logger,
  MethodNotAllowedException,
  NotFoundException,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { ExpressAdapter } from '@nestjs/platform-express';
import type { Request, Response } from 'express';
import { isOfBoardPage, signInPage } from '../../operations/board/sign-in-page.js';
import { type Problem, PROBLEM_MEDIA_TYPE, problemOf } from './problem.js';
import { closeUpload } from '../body/refused-upload.js';
import { REALM } from '../guards/credentials.js';
import { requestId } from '../express/request-id.js';

/** A layer of Express' router; its own types omit `match`. */
interface Layer {
  route?: { methods: Record<string, boolean> };
  match(path: string): boolean;
}

/** The page of the queue board shows its users the member `error`. */
function bodyOf(request: Request, problem: Problem): string {
  return JSON.stringify(isOfBoardPage(request) ? { ...problem, error: problem.detail } : problem);
}

/**
 * Answers every error with problem details (RFC 9457). Nest also passes it the errors of Express middleware.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  constructor(private readonly adapterHost: HttpAdapterHost<ExpressAdapter>) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const allowed = error instanceof NotFoundException ? this.allowedMethods(request) : [];
    if (allowed.length > 0) response.setHeader('Allow', allowed.join(', '));
    // RFC 9110, section 9.3.7. A preflight of an origin in CORS_ORIGINS is answered before.
    if (allowed.length > 0 && request.method === 'OPTIONS') {
      response.status(204).end();
      return;
    }
    const { problem, retryAfterS } = problemOf(
      allowed.length > 0 ? new MethodNotAllowedException(`${request.path} allows ${allowed.join(', ')}`) : error,
      request.path,
    );
    // Typed failures are expected; the feature that throws one logs its cause.
    if (problem.type === 'about:blank' && problem.status >= 500 && problem.status !== 503) {
      const stack = error instanceof Error ? error.stack : String(error);
      this.logger.error(`${request.method} ${request.path} (${requestId(response)}): ${problem.detail}`, stack);
    }
    // The status is already sent, so the client can only learn of the error by a closed connection.
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (retryAfterS !== undefined) response.setHeader('Retry-After', Math.max(1, Math.ceil(retryAfterS)));
    // Every 401 has a challenge (RFC 9110, section 15.5.2); the guard has set one with the reason.
    if (problem.status === 401 && !response.hasHeader('WWW-Authenticate'))
      response.setHeader('WWW-Authenticate', REALM);
    // The rest of a request that did not arrive in time may still come (RFC 9110, section 15.5.9).
    if (problem.status === 408) {
      response.setHeader('Connection', 'close');
      closeUpload(request);
    }
    const page = signInPage(request, problem);
    if (page !== null) response.status(problem.status).type('html').send(page);
    else response.status(problem.status).type(PROBLEM_MEDIA_TYPE).send(bodyOf(request, problem));
  }

  /** The methods of a path that exists only with other methods (405); empty otherwise. Nest reports both as not found. */
  private allowedMethods({ method, path }: Request): string[] {
    const { router } = this.adapterHost.httpAdapter.getInstance<{ router: { stack: Layer[] } }>();
    const methods = router.stack.flatMap((layer) =>
      layer.route && layer.match(path) ? Object.keys(layer.route.methods) : [],
    );
    const allowed = new Set(methods.map((name) => name.toUpperCase()));
    return allowed.has(method === 'HEAD' ? 'GET' : method) ? [] : [...allowed].sort();
  }
}
