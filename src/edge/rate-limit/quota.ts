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
    unit = 'requests',
  ) {
    super(`Over the limit "${name}" of ${limit} ${unit} in ${windowMs / 1_000} s. Retry in ${retryAfterS} s.`);
  }
}

/** Takes a charge back, once. */
export type Refund = () => void;

/** The results of the rate limits, for the interceptors: counted units, and a refusal that was deferred. */
interface Charges {
  refunds: Refund[];
  refusal: QuotaExceeded | null;
}

const CHARGES = Symbol('charges');
type RequestWithCharges = Request & { [CHARGES]?: Charges };

function chargesOf(request: RequestWithCharges): Charges {
  return (request[CHARGES] ??= { refunds: [], refusal: null });
}

/** Records that a request was counted. */
export function addCharge(request: RequestWithCharges, refund: Refund): void {
  chargesOf(request).refunds.push(refund);
}

/** Leaves it to the idempotency interceptor to refuse a request over its quota, which may be a repeat. */
export function deferRefusal(request: RequestWithCharges, refusal: QuotaExceeded): void {
  chargesOf(request).refusal = refusal;
}

/** Returns everything that a request was charged, at most once. */
export function refundQuota(request: RequestWithCharges): void {
  for (const refund of request[CHARGES]?.refunds.splice(0) ?? []) refund();
}

/** Returns one of the charges, unless it was returned before. */
export function refundCharge(request: RequestWithCharges, refund: Refund): void {
  const refunds = request[CHARGES]?.refunds ?? [];
  const index = refunds.indexOf(refund);
  if (index >= 0) refunds.splice(index, 1)[0]!();
}

/** The refusal of a request over its quota that is not a repeat; null when the quota sufficed. */
export function quotaRefusal(request: RequestWithCharges): QuotaExceeded | null {
  return request[CHARGES]?.refusal ?? null;
}
