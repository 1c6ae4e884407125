import { LRUCache } from 'lru-cache';
import { type Hit, type QuotaStorage, hitOf } from './quota.storage.js';

/** Times of hits that a process remembers over all callers: 32 MB. Beyond it the caller that was idle longest is forgotten. */
const MAX_SLOTS = 4_000_000;
/** Overhead of a caller, in slots. */
const CALLER_SLOTS = 32;
const FIRST_CAPACITY = 4;

/** The times of the newest hits of one caller, oldest first, in a ring that grows up to the limit. */
class HitRing {
  private times = new Float64Array(FIRST_CAPACITY);
  private first = 0;
  count = 0;

  get capacity(): number {
    return this.times.length;
  }

  /** @param index 0 is the oldest. */
  at(index: number): number {
    return this.times[(this.first + index) % this.times.length]!;
  }

  /** Forgets hits at or before this time. Each hit is forgotten once, so the cost per hit is constant. */
  dropUntil(time: number): void {
    while (this.count > 0 && this.at(0) <= time) {
      this.first = (this.first + 1) % this.times.length;
      this.count--;
    }
  }

  push(time: number, units: number, limit: number): void {
    const count = this.count + units;
    if (count > this.times.length) this.grow(Math.max(count, Math.min(2 * this.times.length, limit)));
    for (; this.count < count; this.count++) this.times[(this.first + this.count) % this.times.length] = time;
  }

  /** Removes up to this number of hits of exactly this time, searching from the newest. */
  remove(time: number, units: number): void {
    let end = this.count;
    while (end > 0 && this.at(end - 1) > time) end--;
    let start = end;
    while (start > 0 && end - start < units && this.at(start - 1) === time) start--;
    for (let index = end; index < this.count; index++) {
      this.times[(this.first + start + index - end) % this.times.length] = this.at(index);
    }
    this.count -= end - start;
  }

  private grow(capacity: number): void {
    const times = new Float64Array(capacity);
    for (let index = 0; index < this.count; index++) times[index] = this.at(index);
    this.times = times;
    this.first = 0;
  }
}

/**
 * A true sliding window in the memory of this process: the times of the last `limit` hits of a caller decide. The storage of
 * `@nestjs/throttler` filters every hit of the window at each request, which halves throughput; here the cost is constant.
 */
export class SlidingWindowStorage implements QuotaStorage {
  private readonly rings: LRUCache<string, HitRing>;

  /** @param nowMs A monotonic clock. */
  constructor(
    private readonly nowMs: () => number = () => performance.now(),
    maxSlots = MAX_SLOTS,
  ) {
    this.rings = new LRUCache({ maxSize: maxSlots, sizeCalculation: ({ capacity }) => capacity + CALLER_SLOTS });
  }

  /** Callers that are remembered. */
  get size(): number {
    return this.rings.size;
  }

  increment(key: string, ttl: number, limit: number): Promise<Hit> {
    return this.take(key, ttl, limit, 1);
  }

  async take(key: string, windowMs: number, limit: number, units: number): Promise<Hit> {
    const now = this.nowMs();
    const ring = this.rings.get(key) ?? new HitRing();
    ring.dropUntil(now - windowMs);
    if (ring.count + units > limit) {
      // After a limit was lowered, the ring may contain more hits. All but the newest `limit - units` must expire first.
      const waitMs = ring.at(ring.count + units - limit - 1) + windowMs - now;
      const nextFreeMs = ring.count < limit ? ring.at(0) + windowMs - now : waitMs;
      return hitOf({ limit, units, count: ring.count, nextFreeMs, waitMs, at: now });
    }
    const { capacity, count } = ring;
    ring.push(now, units, limit);
    if (count === 0 || ring.capacity !== capacity) this.remember(key, ring);
    return hitOf({ limit, units, count: ring.count, nextFreeMs: ring.at(0) + windowMs - now, waitMs: null, at: now });
  }

  /** Deletes the entry first, because the cache updates its size only for a new value. */
  private remember(key: string, ring: HitRing): void {
    this.rings.delete(key);
    this.rings.set(key, ring);
  }

  refund(key: string, { at, units }: Hit): void {
    if (typeof at === 'number') this.rings.get(key)?.remove(at, units);
  }
}
