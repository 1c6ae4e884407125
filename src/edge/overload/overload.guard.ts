import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { OverloadService } from './overload.service.js';
import { AppliedRateLimit } from '../../http/rate-limit.decorators.js';

/**
 * Sheds load: rejects requests while the process or its database is overloaded, before their bodies are read. Routes
 * without a rate limit are exempt, because health checks must work under load.
 */
@Injectable()
export class OverloadGuard implements CanActivate {
  constructor(
    private readonly overload: OverloadService,
    private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): true {
    const limit = this.reflector.getAllAndOverride(AppliedRateLimit, [context.getHandler(), context.getClass()]);
    if (limit !== null) this.overload.check();
    return true;
  }
}
