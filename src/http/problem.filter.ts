import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { problemOf } from './problem.js';
import { requestId } from './request-id.js';

/** Turns every error into problem details (RFC 9457). The only place that makes an error HTTP. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const { problem, retryAfterS } = problemOf(error, request.path);
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
}
