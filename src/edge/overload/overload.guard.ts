import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { Overload } from './overload.js';
import { AppliedRateLimit } from '../../http/rate-limit.decorators.js';

/**
 * Turns requests away while there is too much to do, before anything is done for them. What has no rate limit is not
 * turned away either: health must answer at just that moment.
 */
@Injectable()
export class OverloadGuard implements CanActivate {
  constructor(
    private readonly overload: Overload,
    private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): true {
    const limit = this.reflector.getAllAndOverride(AppliedRateLimit, [context.getHandler(), context.getClass()]);
    if (limit !== null) this.overload.check(limit === 'async' ? asked(context) : 0);
    return true;
  }
}

/** How many requests the body asks for: those of a batch, else one. */
function asked(context: ExecutionContext): number {
  const { body } = context.switchToHttp().getRequest<Request<object, object, { requests?: unknown } | undefined>>();
  return Array.isArray(body?.requests) ? body.requests.length : 1;
}
