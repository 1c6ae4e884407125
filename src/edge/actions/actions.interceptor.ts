import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { type Observable, from, lastValueFrom } from 'rxjs';
import { ActionMetadata, type RecordedAction } from '../../http/action.decorators.js';
import { callerOf } from '../../http/caller.js';
import { DaybookError } from '../../platform/errors.js';
import { KeyAlreadyUsed } from '../../requests/requests.errors.js';
import type { NewAction } from '../../requests/actions/action.repository.js';
import { type ActionContent, detailOf, shortText, targetOf } from '../../requests/actions/action-detail.js';
import { ActionLog } from '../../requests/actions/action-log.js';
import { requestId } from '../express/request-id.js';
import { problemOf } from '../problem/problem.js';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Records every request that changed something, unless its route is `@Unrecorded()`. A refused request changed nothing and
 * is not recorded. A failed request (5xx) is recorded, because it may have changed something, unless its error has `hadEffect: false`.
 */
@Injectable()
export class ActionsInterceptor implements NestInterceptor {
  constructor(
    private readonly log: ActionLog,
    private readonly reflector: Reflector,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    if (SAFE_METHODS.has(request.method)) return next.handle();
    const declared = this.reflector.get(ActionMetadata, context.getHandler());
    if (declared === null) return next.handle();
    return from(this.perform(next, request, http.getResponse<Response>(), declared ?? unnamed(request)));
  }

  private async perform(
    next: CallHandler,
    request: Request,
    response: Response,
    action: RecordedAction,
  ): Promise<unknown> {
    try {
      const result: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
      await this.record(request, response, action, { result, status: response.statusCode, outcome: 'succeeded' });
      return result;
    } catch (error) {
      // A repeat under an idempotency key: the handler has rolled back, and the first answer follows.
      if (error instanceof KeyAlreadyUsed) throw error;
      const { status } = problemOf(error, request.path).problem;
      const hadEffect = error instanceof DaybookError ? error.hadEffect : undefined;
      if (hadEffect ?? status >= 500)
        await this.record(request, response, action, { result: undefined, status, outcome: 'failed' });
      throw error;
    }
  }

  private async record(
    request: Request,
    response: Response,
    { name, fields }: RecordedAction,
    { result, status, outcome }: { result: unknown; status: number; outcome: NewAction['outcome'] },
  ): Promise<void> {
    const { account, actor } = callerOf(request);
    const { params, query } = request;
    const content: ActionContent = { params, body: request.body, query, result };
    await this.log.record({
      accountId: account,
      actorKind: actor.kind,
      actorId: actor.id,
      actorName: actor.name && shortText(actor.name),
      action: name,
      target: targetOf(content),
      detail: detailOf(content, fields),
      outcome,
      status,
      requestId: requestId(response),
      address: request.ip ?? null,
    });
  }
}

/** The entry of a route that names no action: its method and path. */
function unnamed(request: Request): RecordedAction {
  return { name: `${request.method} ${(request.route as { path: string }).path}`, fields: [] };
}
