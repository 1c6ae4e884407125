import { type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import type { Request } from 'express';

const IDEMPOTENT = 'idempotent';

/** Marks a route that honours idempotency keys. It must bind its work to `UsedKey` in one transaction. */
export const Idempotent = () => SetMetadata(IDEMPOTENT, true);

export function isIdempotent(reflector: Reflector, context: ExecutionContext): boolean {
  return reflector.get<boolean | undefined>(IDEMPOTENT, context.getHandler()) === true;
}

/** Whether there is a key, of either spelling. */
export function hasIdempotencyKey({ headers }: Request): boolean {
  return headers['idempotency-key'] !== undefined || headers['x-idempotency-key'] !== undefined;
}
