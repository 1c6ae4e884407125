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
import { quotaRefusal, refundQuota } from '../rate-limit/quota.js';
import { checkStructure } from '../../http/validation.js';

/** With `AUTH=open` all callers are one, because a client's address may change between retries. */
const OPEN_CALLER = 'open';
/** Further tries to claim a key that another request has just released. */
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
 * Implements idempotency keys (draft-ietf-httpapi-idempotency-key-header). The accepting transaction itself claims the key;
 * if it is taken, the caller gets the first response again, byte for byte. A repeat under the older spelling
 * `X-Idempotency-Key` gets a body that marks it as a duplicate instead.
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
    const answer = (replay: Replay) => this.answer(replay, isOlderSpelling, http.getResponse<Response>());
    const refusal = quotaRefusal(request);
    if (refusal) return this.replayOr(refusal, request, key, answer);
    return this.handle(next, request, key, answer, MAX_TRIES);
  }

  /** Replays the first response, or throws the refusal if the request is not a repeat. */
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
        // Rejected before its key was checked. A repeat needs no worker, so it does not count as load.
        if (error instanceof SyncBusy) return this.replayOr(error, request, key, answer);
        if (!(error instanceof KeyAlreadyUsed)) return throwError(() => error);
        // Each time the key was taken and then free again: concurrent requests with it are being rejected (a full lane).
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

  private answer(replay: Replay, isOlderSpelling: boolean, response: Response): unknown {
    response.setHeader('Idempotency-Replayed', 'true');
    if (isOlderSpelling) {
      response.status(200);
      return {
        status: 'duplicate',
        message: 'This idempotency key was used before; the request was not executed again.',
        request_id: replay.requestId,
        original_result: replay.result,
      };
    }
    if ('failure' in replay) throw replay.failure;
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
  // Interceptors run before pipes, and a body of 256 KiB can nest deeper than the stack.
  checkStructure(request.body, 'body');
  const fingerprint = createHash('sha256').update(canonicalJson(request.body)).digest('hex');
  // The path of the route, because other spellings of the URL (a trailing slash) must share the scope.
  const scope = `${request.method} ${(request.route as { path: string }).path}`;
  const caller = callerOf(request).account ?? OPEN_CALLER;
  return { key: { caller, scope, key: text, fingerprint }, isOlderSpelling };
}
