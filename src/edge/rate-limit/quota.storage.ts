import type { ThrottlerStorage } from '@nestjs/throttler';

/** The outcome of counting the units of one request. Times are whole seconds, as the throttler expects them. */
export type Hit = Awaited<ReturnType<ThrottlerStorage['increment']>> & {
  units: number;
  /** When the storage counted it, by the storage's own clock; identifies the hit to {@link QuotaStorage.refund}. */
  at: number | string;
};

/** Port: counts requests against quotas. Every driver passes the suite in quota.storage.spec.ts. */
export interface QuotaStorage extends ThrottlerStorage {
  /**
   * Counts a request, unless `limit` requests were let in within the last `ttl` milliseconds: at most `limit` in any window
   * of that length, wherever it begins. A refused request is not counted.
   */
  increment(key: string, ttl: number, limit: number): Promise<Hit>;

  /**
   * Counts several units at once, all or none, as {@link increment} counts one.
   * @param units From 1 to `limit`.
   */
  take(key: string, windowMs: number, limit: number, units: number): Promise<Hit>;

  /** Takes back the units of a hit, and no others, of a request that turned out to cost nothing. */
  refund(key: string, hit: Hit): void;
}

/** State of a key after a request was counted or rejected. Times are in milliseconds. */
export interface WindowState {
  limit: number;
  units: number;
  /** Units in the window that ends now, these included. */
  count: number;
  /** Until the oldest of them leaves the window. */
  nextFreeMs: number;
  /** Until the next request is let in; null when this one was. */
  waitMs: number | null;
  at: number | string;
}

/** Turns the state of a window into the record that the throttler and the `RateLimit` header are made of. */
export function hitOf({ limit, units, count, nextFreeMs, waitMs, at }: WindowState): Hit {
  return {
    // A refused batch leaves what remains of the limit to smaller ones.
    totalHits: waitMs === null || count < limit ? count : limit + 1,
    timeToExpire: wholeSeconds(nextFreeMs),
    isBlocked: waitMs !== null,
    timeToBlockExpire: wholeSeconds(waitMs ?? 0),
    units,
    at,
  };
}

/** Rounded up, so that a request after this time is let in. The difference of two times is not exact: 2,000 ms may come out as 2,000.0000000003. */
function wholeSeconds(ms: number): number {
  return Math.max(0, Math.ceil(ms / 1_000 - 1e-6));
}
