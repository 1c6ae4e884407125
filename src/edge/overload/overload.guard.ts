import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { OverloadService } from './overload.service.js';
import { AppliedRateLimit } from '../../http/rate-limit.decorators.js';

/**
 * Sheds load: rejects requests while the service is overloaded, before any work for them. Routes without a rate limit are
 * exempt, because health checks must work under load.
 */
@Injectable()
export class OverloadGuard implements CanActivate {
  constructor(
    private readonly overload: OverloadService,
    private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): true {
    const limit = this.reflector.getAllAndOverride(AppliedRateLimit, [context.getHandler(), context.getClass()]);
    if (limit !== null) this.overload.check(limit === 'async' ? requestCount(context) : 0);
    return true;
  }
}

/** The number of async requests in the body: the items of a batch, else one. */
function requestCount(context: ExecutionContext): number {
  const { body } = context.switchToHttp().getRequest<Request<object, object, { requests?: unknown } | undefined>>();
  return Array.isArray(body?.requests) ? body.requests.length : 1;
}
