import type { ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { RouteMark } from './route-mark.js';

const IDEMPOTENT_MARK = new RouteMark<true>('idempotent');

/** Marks a route that honours idempotency keys. It must bind its work to {@link usedKey} in one transaction. */
export const Idempotent = () => IDEMPOTENT_MARK.set(true);

export function isIdempotent(context: ExecutionContext): boolean {
  return IDEMPOTENT_MARK.of(context) === true;
}

/** Whether there is a key, of either spelling. */
export function hasIdempotencyKey({ headers }: Request): boolean {
  return headers['idempotency-key'] !== undefined || headers['x-idempotency-key'] !== undefined;
}
