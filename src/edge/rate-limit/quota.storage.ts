import type { ThrottlerStorage } from '@nestjs/throttler';

/** The outcome of counting one request. Times are whole seconds, as the throttler expects them. */
export type Hit = Awaited<ReturnType<ThrottlerStorage['increment']>> & {
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

  /** Takes back the hit, and no other, of a request that turned out to cost nothing. */
  refund(key: string, hit: Hit): void;
}

/** State of a key after a request was counted or rejected. Times are in milliseconds. */
export interface WindowState {
  limit: number;
  /** Hits in the window that ends now, this one included. */
  count: number;
  /** Until the oldest of them leaves the window. */
  nextFreeMs: number;
  /** Until the next request is let in; null when this one was. */
  waitMs: number | null;
  at: number | string;
}

/** Turns the state of a window into the record that the throttler and the `RateLimit` header are made of. */
export function hitOf({ limit, count, nextFreeMs, waitMs, at }: WindowState): Hit {
  return {
    totalHits: waitMs === null ? count : limit + 1,
    timeToExpire: wholeSeconds(nextFreeMs),
    isBlocked: waitMs !== null,
    timeToBlockExpire: wholeSeconds(waitMs ?? 0),
    at,
  };
}

/** Rounded up, so that a request after this time is let in. The difference of two times is not exact: 2,000 ms may come out as 2,000.0000000003. */
function wholeSeconds(ms: number): number {
  return Math.max(0, Math.ceil(ms / 1_000 - 1e-6));
}
