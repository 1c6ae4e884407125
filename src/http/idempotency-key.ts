import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';

/** Declares that a route honours idempotency keys. Its handler must store the key in the same transaction as its work. */
export const Idempotent = Reflector.createDecorator();

/** The header in the OpenAPI document, for the routes that are {@link Idempotent}. */
export const IDEMPOTENCY_HEADER = {
  name: 'Idempotency-Key',
  required: false,
  description: 'A repeat with the same key returns the first answer again. 1 to 255 printable characters.',
  schema: { type: 'string' as const, minLength: 1, maxLength: 255 },
};

/** An idempotency key and what it is bound to. Requests with the same four values are repeats of each other. */
export interface IdempotencyKey {
  /** `user:<id>` of a user, else the account id, or `open` with `AUTH=open`. */
  caller: string;
  /** Method and path of the route. */
  scope: string;
  key: string;
  /** SHA-256 of the canonical body, in hex. */
  fingerprint: string;
}

const KEY = Symbol('idempotency-key');
type RequestWithKey = Request & { [KEY]?: IdempotencyKey };

/** Parameter decorator: the {@link IdempotencyKey} of the request, or null if it was sent without one. */
export const IdempotencyKey = createParamDecorator(
  (_: unknown, context: ExecutionContext): IdempotencyKey | null =>
    context.switchToHttp().getRequest<RequestWithKey>()[KEY] ?? null,
);

/** Called by the idempotency interceptor, before the handler runs. */
export function setIdempotencyKey(request: RequestWithKey, key: IdempotencyKey): void {
  request[KEY] = key;
}

/** Whether the request carries a key, in the current or the older spelling of the header. */
export function hasIdempotencyKey({ headers }: Request): boolean {
  return headers['idempotency-key'] !== undefined || headers['x-idempotency-key'] !== undefined;
}
