import type { ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { RouteMark } from './route-mark.js';

const IDEMPOTENT_MARK = new RouteMark<true>('idempotent');

/** Declares that a route honours idempotency keys. Its handler must store the key in the same transaction as its work. */
export const Idempotent = () => IDEMPOTENT_MARK.set(true);

export function isIdempotent(context: ExecutionContext): boolean {
  return IDEMPOTENT_MARK.of(context) === true;
}

/** Whether there is a key, of either spelling. */
export function hasIdempotencyKey({ headers }: Request): boolean {
  return headers['idempotency-key'] !== undefined || headers['x-idempotency-key'] !== undefined;
}
