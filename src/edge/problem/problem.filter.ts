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
import { problemOf } from './problem.js';
import { requestId } from '../express/request-id.js';

/** What stands in Express' router; its types leave half of it out. */
interface Layer {
  route?: { methods: Record<string, boolean> };
  match(path: string): boolean;
}

/** Turns every error into problem details (RFC 9457). The only place that makes an error HTTP. */
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
    const { problem, retryAfterS } = problemOf(
      allowed.length > 0 ? new MethodNotAllowedException(`${request.path} takes ${allowed.join(', ')}`) : error,
      request.path,
    );
    if (problem.status >= 500 && problem.status !== 503) {
      const stack = error instanceof Error ? error.stack : String(error);
      this.logger.error(`${request.method} ${request.path} (${requestId(response)}): ${problem.detail}`, stack);
    }
    // A stream that broke half-way can only be cut: its head has promised something else.
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (retryAfterS !== undefined) response.setHeader('Retry-After', Math.max(1, Math.ceil(retryAfterS)));
    response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  }

  /** The methods that a path takes, when this is none of them and there are any: Nest calls either case not found. */
  private allowedMethods({ method, path }: Request): string[] {
    const { router } = this.adapterHost.httpAdapter.getInstance<{ router: { stack: Layer[] } }>();
    const methods = router.stack.flatMap((layer) =>
      layer.route && layer.match(path) ? Object.keys(layer.route.methods) : [],
    );
    const allowed = new Set(methods.map((name) => name.toUpperCase()));
    return allowed.has(method === 'HEAD' ? 'GET' : method) ? [] : [...allowed].sort();
  }
}
