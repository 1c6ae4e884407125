import { createHash } from 'node:crypto';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { type Observable, catchError, from, map, mergeMap, of, throwError } from 'rxjs';
import { DaybookError } from '../../platform/errors.js';
import { IdempotencyService, type Replay } from '../../requests/idempotency/idempotency.service.js';
import { type IdempotencyKey, Idempotent, setIdempotencyKey } from '../../http/idempotency-key.js';
import { KeyAlreadyUsed, KeyStillRunning, SyncBusy } from '../../requests/requests.errors.js';
import { callerOf } from '../../http/caller.js';
import { canonicalJson } from './canonical-json.js';
import { problemOf } from '../problem/problem.js';
import { quotaRefusal, refundQuota } from '../rate-limit/quota.js';
import { refuseUnfit } from '../../http/validation.js';

/** Every caller of an open installation is the same one: its address may change between a try and the next. */
const OPEN_CALLER = 'open';
/** A key that turns out to be free is taken by this many further tries at the most; others may be after it too. */
const MAX_TRIES = 3;
const PRINTABLE = /^[\x20-\x7e]{1,255}$/;
const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/;

export class InvalidIdempotencyKey extends DaybookError {
  readonly code = 'idempotency-key-invalid';
  constructor(header: string) {
    super(`${header} must be 1 to 255 printable ASCII characters, bare or in double quotes`);
  }
}

/**
 * Idempotency keys (draft-ietf-httpapi-idempotency-key-header). The key is claimed by the accepting transaction itself,
 * not looked up first; who finds it taken is given the first answer again, byte for byte. `X-Idempotency-Key` is the
 * older spelling: a repeat under it is told that it is one.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(
    private readonly idempotency: IdempotencyService,
    private readonly reflector: Reflector,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (this.reflector.get(Idempotent, context.getHandler()) === undefined) return next.handle();
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    const { key, isOlderSpelling } = keyOf(request);
    if (!key) return next.handle();
    setIdempotencyKey(request, key);
    const answer = (replay: Replay) => this.answer(replay, isOlderSpelling, request, http.getResponse<Response>());
    const refusal = quotaRefusal(request);
    if (refusal) return this.replayOr(refusal, request, key, answer);
    return this.handle(next, request, key, answer, MAX_TRIES);
  }

  /** The first answer again; to a request that is no repeat, the refusal. */
  private replayOr(
    refusal: DaybookError,
    request: Request,
    key: IdempotencyKey,
    answer: (replay: Replay) => unknown,
  ): Observable<unknown> {
    return from(this.idempotency.replay(key)).pipe(
      map((replay) => {
        if (!replay) throw refusal;
        refundQuota(request);
        return answer(replay);
      }),
    );
  }

  private handle(
    next: CallHandler,
    request: Request,
    key: IdempotencyKey,
    answer: (replay: Replay) => unknown,
    tries: number,
  ): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        // Refused before its key was looked at. A repeat makes no work, so it is not the one that is too much.
        if (error instanceof SyncBusy) return this.replayOr(error, request, key, answer);
        if (!(error instanceof KeyAlreadyUsed)) return throwError(() => error);
        // Taken and free again each time: others with the same key are being refused (a full lane) at this moment.
        if (tries === 0) return throwError(() => new KeyStillRunning());
        return from(this.idempotency.replay(key)).pipe(
          mergeMap((replay) => {
            if (!replay) return this.handle(next, request, key, answer, tries - 1);
            refundQuota(request);
            return of(answer(replay));
          }),
        );
      }),
    );
  }

  private answer(replay: Replay, isOlderSpelling: boolean, request: Request, response: Response): unknown {
    response.setHeader('Idempotency-Replayed', 'true');
    if (isOlderSpelling) {
      response.status(200);
      return {
        status: 'duplicate',
        message: 'This idempotency key was used before; the request was not made again.',
        request_id: replay.requestId,
        original_result: replay.result,
      };
    }
    if ('failure' in replay) {
      const { problem } = problemOf(replay.failure, request.path);
      response.status(problem.status).type('application/problem+json');
      return JSON.stringify(problem);
    }
    response.status(replay.status).type('application/json');
    if (replay.status === 202 && !replay.isOfBatch) response.location(`/api/requests/${replay.requestId}`);
    return replay.body;
  }
}

function keyOf(request: Request): { key: IdempotencyKey | null; isOlderSpelling: boolean } {
  const isOlderSpelling = request.headers['idempotency-key'] === undefined;
  const header = isOlderSpelling ? 'X-Idempotency-Key' : 'Idempotency-Key';
  const given = request.header(header);
  if (given === undefined) return { key: null, isOlderSpelling };
  const text = QUOTED.exec(given)?.[1]?.replaceAll(/\\(["\\])/g, '$1') ?? given;
  if (!PRINTABLE.test(text)) throw new InvalidIdempotencyKey(header);
  // Interceptors run before pipes, and no stack is deep enough for what a body of 256 KiB can nest.
  refuseUnfit(request.body, 'body');
  const fingerprint = createHash('sha256').update(canonicalJson(request.body)).digest('hex');
  // The route's own path: it also answers to other spellings (a slash at the end), which must not make another scope.
  const scope = `${request.method} ${(request.route as { path: string }).path}`;
  const caller = callerOf(request).account ?? OPEN_CALLER;
  return { key: { caller, scope, key: text, fingerprint }, isOlderSpelling };
}
