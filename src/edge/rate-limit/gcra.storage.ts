import type { ThrottlerStorage } from '@nestjs/throttler';

export type Hit = Awaited<ReturnType<ThrottlerStorage['increment']>>;

/** Where quotas are kept. One suite (gcra.storage.spec.ts) holds for every driver. */
export interface QuotaStorage extends ThrottlerStorage {
  /** Counts one hit. Times given in milliseconds, times told in seconds, as the throttler has it. */
  increment(key: string, ttl: number, limit: number): Promise<Hit>;
  /** Gives one hit back, for a request that turned out to cost nothing. */
  refund(key: string, ttl: number, limit: number): void;
}

/** How often idle entries are swept out, in hits. */
const SWEEP_EVERY = 10_000;
/** The most callers remembered. Beyond it the one that came first is forgotten, and has its whole limit again. */
const MAX_KEYS = 100_000;

/**
 * The Generic Cell Rate Algorithm: one number a key, the theoretical arrival time, so a hit costs the same however many
 * came before (the throttler's own storage filters every hit of the window, which halves throughput). A caller may use
 * its whole limit at once; after that it gets one request every window/limit. A refused hit costs nothing, so a caller
 * recovers however hard it hammers.
 */
export class GcraStorage implements QuotaStorage {
  /** Key to theoretical arrival time, in milliseconds. In the past: the key has its whole limit. */
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
 * What is told of a hit.
 * @param aheadMs How far ahead of now the key's theoretical arrival time is, after the hit.
 * @param waitMs How long until a hit passes; 0 when this one has passed.
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

/** Rounded up. The difference of two times is not exact: 2,000 ms may come out as 2,000.0000000003. */
function wholeSeconds(ms: number): number {
  return Math.max(0, Math.ceil(ms / 1_000 - 1e-6));
}
