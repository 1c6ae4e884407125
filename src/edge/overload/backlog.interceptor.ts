import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import type { Observable } from 'rxjs';
import { AppliedRateLimit } from '../../http/rate-limit.decorators.js';
import { refundQuota } from '../rate-limit/quota.js';
import { OverloadService } from './overload.service.js';

/** Sheds load: rejects async requests over the limit on unfinished ones. It needs the body, which has the items of a batch. */
@Injectable()
export class BacklogInterceptor implements NestInterceptor {
  constructor(
    private readonly overload: OverloadService,
    private readonly reflector: Reflector,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const limit = this.reflector.getAllAndOverride(AppliedRateLimit, [context.getHandler(), context.getClass()]);
    if (limit === 'async') this.check(context.switchToHttp().getRequest());
    return next.handle();
  }

  private check(request: Request): void {
    const body = request.body as { requests?: unknown } | undefined;
    try {
      this.overload.checkBacklog(Array.isArray(body?.requests) ? body.requests.length : 1);
    } catch (error) {
      refundQuota(request);
      throw error;
    }
  }
}
