import { createHash } from 'node:crypto';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { type Observable, from, lastValueFrom } from 'rxjs';
import { DaybookError, LimitReached } from '../../platform/errors.js';
import { IdempotencyService, type Replay } from '../../requests/idempotency/idempotency.service.js';
import { type IdempotencyKey, Idempotent, setIdempotencyKey } from '../../http/idempotency-key.js';
import { KeyAlreadyUsed, KeyStillRunning } from '../../requests/requests.errors.js';
import { callerOf } from '../../http/caller.js';
import { canonicalJson } from './canonical-json.js';
import { quotaRefusal, refundQuota } from '../rate-limit/quota.js';
import { checkStructure } from '../../http/validation.js';

/** With `AUTH=open` all callers are one, because a client's address may change between retries. */
const OPEN_CALLER = 'open';
/** Attempts to claim a key that another request has just released. */
const MAX_ATTEMPTS = 4;
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

  /** Checks the key before the body is read. @throws InvalidIdempotencyKey */
  check(context: ExecutionContext): void {
    if (this.reflector.get(Idempotent, context.getHandler()) === undefined) return;
    keyTextOf(context.switchToHttp().getRequest<Request>());
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (this.reflector.get(Idempotent, context.getHandler()) === undefined) return next.handle();
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    const { key, isOlderSpelling } = keyOf(request);
    if (!key) return next.handle();
    setIdempotencyKey(request, key);
    return from(this.handleOnce(next, request, http.getResponse<Response>(), key, isOlderSpelling));
  }

  /** Runs the handler, or replays the first response if the key is taken. */
  private async handleOnce(
    next: CallHandler,
    request: Request,
    response: Response,
    key: IdempotencyKey,
    isOlderSpelling: boolean,
  ): Promise<unknown> {
    const overQuota = quotaRefusal(request);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      try {
        if (overQuota) throw overQuota;
        return await lastValueFrom(next.handle());
      } catch (error) {
        // A repeat needs no quota and no worker, so no limit rejects it.
        if (error !== overQuota && !(error instanceof LimitReached) && !(error instanceof KeyAlreadyUsed)) throw error;
        const replay = await this.idempotency.replay(key);
        if (replay) {
          refundQuota(request);
          return answerAgain(replay, response, isOlderSpelling);
        }
        if (!(error instanceof KeyAlreadyUsed)) throw error;
      }
    }
    // Each time the key was taken and then free again: concurrent requests with it are being rejected (a full lane).
    throw new KeyStillRunning();
  }
}

/** Sets status and headers of the first response, and returns its body. */
function answerAgain(replay: Replay, response: Response, isOlderSpelling: boolean): unknown {
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

/** Reads the key from either header. `isOlderSpelling` is true for `X-Idempotency-Key`. */
function keyTextOf(request: Request): { text: string | null; isOlderSpelling: boolean } {
  const isOlderSpelling = request.headers['idempotency-key'] === undefined;
  const header = isOlderSpelling ? 'X-Idempotency-Key' : 'Idempotency-Key';
  const given = request.header(header);
  if (given === undefined) return { text: null, isOlderSpelling };
  const text = QUOTED.exec(given)?.[1]?.replaceAll(/\\(["\\])/g, '$1') ?? given;
  if (!PRINTABLE.test(text)) throw new InvalidIdempotencyKey(header);
  return { text, isOlderSpelling };
}

function keyOf(request: Request): { key: IdempotencyKey | null; isOlderSpelling: boolean } {
  const { text, isOlderSpelling } = keyTextOf(request);
  if (text === null) return { key: null, isOlderSpelling };
  // Interceptors run before pipes, and a body of 256 KiB can nest deeper than the stack.
  checkStructure(request.body, 'body');
  const fingerprint = createHash('sha256').update(canonicalJson(request.body)).digest('hex');
  const scope = `${request.method} ${pathOf(request)}`;
  const { account, user, id } = callerOf(request);
  // Users have keys of their own, because customers have no account, and with AUTH=open no caller has one.
  return { key: { caller: user ? id : (account ?? OPEN_CALLER), scope, key: text, fingerprint }, isOlderSpelling };
}

/** The path of the route with its parameters: other spellings of the URL (a trailing slash) share the scope. */
function pathOf({ route, params }: Request): string {
  return (route as { path: string }).path.replaceAll(/:(\w+)/g, (_, name: string) => String(params[name]));
}
