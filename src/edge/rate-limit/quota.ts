import type { Request } from 'express';
import type { RateLimit } from '../../platform/config/values.js';
import { DaybookError } from '../../platform/errors.js';

/** The caller has used up its quota. */
export class QuotaExceeded extends DaybookError {
  readonly code = 'quota-exceeded';
  constructor(
    name: string,
    { limit, windowMs }: RateLimit,
    override readonly retryAfterS: number,
  ) {
    super(`Over the limit "${name}" of ${limit} requests in ${windowMs / 1_000} s. Retry in ${retryAfterS} s.`);
  }
}

/** The result of the rate limit guard, for the idempotency interceptor: a counted request or a deferred refusal. */
type Charge = { refund: () => void } | { refusal: QuotaExceeded };

const CHARGE = Symbol('charge');
type RequestWithCharge = Request & { [CHARGE]?: Charge };

export function setCharge(request: RequestWithCharge, charge: Charge): void {
  request[CHARGE] = charge;
}

/** Returns the request to its caller's quota, at most once. */
export function refundQuota(request: RequestWithCharge): void {
  const charge = request[CHARGE];
  delete request[CHARGE];
  if (charge && 'refund' in charge) charge.refund();
}

/** The refusal of a request over its quota that is not a repeat; null when the quota sufficed. */
export function quotaRefusal(request: RequestWithCharge): QuotaExceeded | null {
  const charge = request[CHARGE];
  return charge && 'refusal' in charge ? charge.refusal : null;
}
