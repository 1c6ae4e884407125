import type { Request } from 'express';
import type { RateLimit } from '../../platform/config/config.js';
import { DaybookError } from '../../platform/errors.js';

/** The caller has used up its quota. */
export class QuotaExceeded extends DaybookError {
  readonly code = 'quota-exceeded';
  constructor(
    name: string,
    { limit, windowMs }: RateLimit,
    override readonly retryAfterS: number,
  ) {
    super(`Over the limit "${name}" of ${limit} requests in ${windowMs / 1_000} s. Come back in ${retryAfterS} s.`);
  }
}

/** What a request took from its caller's quota, as the guard tells the idempotency interceptor. */
type Charge = { refund: () => void } | { refusal: QuotaExceeded };

const CHARGE = Symbol('charge');
type Charged = Request & { [CHARGE]?: Charge };

export function charge(request: Request, taken: Charge): void {
  (request as Charged)[CHARGE] = taken;
}

/** Gives back, once, what a request took: a repeated answer costs nothing. */
export function refundQuota(request: Charged): void {
  const taken = request[CHARGE];
  delete request[CHARGE];
  if (taken && 'refund' in taken) taken.refund();
}

/** What the caller is told unless this is a repeat, which costs nothing; null when its quota sufficed. */
export function quotaRefusal(request: Charged): QuotaExceeded | null {
  const taken = request[CHARGE];
  return taken && 'refusal' in taken ? taken.refusal : null;
}
