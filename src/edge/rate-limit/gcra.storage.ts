import type { ThrottlerStorage } from '@nestjs/throttler';

export type Hit = Awaited<ReturnType<ThrottlerStorage['increment']>>;

/** Port: counts requests against quotas. Every driver passes the suite in gcra.storage.spec.ts. */
export interface QuotaStorage extends ThrottlerStorage {
  /** Counts one hit. As in the throttler's interface, `ttl` is in milliseconds and the result in seconds. */
  increment(key: string, ttl: number, limit: number): Promise<Hit>;
  /** Returns one hit to the quota, for a request that turned out to be a repeat. */
  refund(key: string, ttl: number, limit: number): void;
}

/** Hits between two sweeps of idle keys. */
const SWEEP_EVERY = 10_000;
/** Keys in memory. Beyond it the oldest key is evicted, which restores its whole quota. */
const MAX_KEYS = 100_000;

/**
 * The Generic Cell Rate Algorithm (GCRA), in memory: one number a key, the theoretical arrival time. A caller may use its
 * whole limit at once and then gets one request every window/limit. A rejected hit costs nothing, so a caller that keeps
 * sending still recovers. The throttler's own storage filters every hit of the window, which halves throughput.
 */
export class GcraStorage implements QuotaStorage {
  /** Theoretical arrival time of each key, in milliseconds. A time in the past means the whole limit is available. */
  private readonly arrivals = new Map<string, number>();
  private hitsToSweep = SWEEP_EVERY;

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  async increment(key: string, ttl: number, limit: number): Promise<Hit> {
    const now = this.nowMs();
    this.sweep(now);
    const intervalMs = ttl / limit;
    const arrival = Math.max(this.arrivals.get(key) ?? 0, now) + intervalMs;
    const waitMs = arrival - now - ttl;
    const isBlocked = waitMs > 0.001;
    if (isBlocked) return hitOf(limit, intervalMs, arrival - intervalMs - now, waitMs);
    this.arrivals.set(key, arrival);
    if (this.arrivals.size > MAX_KEYS) this.arrivals.delete(this.arrivals.keys().next().value!);
    return hitOf(limit, intervalMs, arrival - now, 0);
  }

  refund(key: string, ttl: number, limit: number): void {
    const arrival = this.arrivals.get(key);
    if (arrival !== undefined) this.arrivals.set(key, arrival - ttl / limit);
  }

  private sweep(now: number): void {
    if (--this.hitsToSweep > 0) return;
    this.hitsToSweep = SWEEP_EVERY;
    for (const [key, arrival] of this.arrivals) if (arrival <= now) this.arrivals.delete(key);
  }
}

/**
 * The throttler's record of a hit.
 * @param aheadMs Time from now until the theoretical arrival time of the key, after the hit.
 * @param waitMs Time until the next hit is allowed; 0 if this hit was allowed.
 */
export function hitOf(limit: number, intervalMs: number, aheadMs: number, waitMs: number): Hit {
  const isBlocked = waitMs > 0;
  return {
    totalHits: isBlocked ? limit + 1 : Math.ceil(aheadMs / intervalMs - 1e-6),
    timeToExpire: wholeSeconds(aheadMs),
    isBlocked,
    timeToBlockExpire: wholeSeconds(waitMs),
  };
}

/** Rounds up, but ignores floating-point noise: a difference of 2,000 ms may be 2,000.0000000003. */
function wholeSeconds(ms: number): number {
  return Math.max(0, Math.ceil(ms / 1_000 - 1e-6));
}
