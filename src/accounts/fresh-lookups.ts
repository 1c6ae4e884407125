import { LRUCache } from 'lru-cache';
import { Batcher } from '../platform/concurrency/batcher.js';

/** A cached row of this age is read again in the background, while requests use the cached state. */
const REFRESH_AFTER_MS = 1_000;
/** A cached row of this age is not used, and requests wait for the database: every process sees a revocation within 5 s. */
const EXPIRE_AFTER_MS = 4_000;
const MAX_CACHED = 10_000;

interface Cached<Row> {
  row: Row;
  readAtMs: number;
}

/**
 * Looks up rows by id for authentication. A row in use costs one query a second, not one a request. Lookups are batched, one
 * query at a time, so that guessed ids cost the database little. Cached rows expire during an outage of the database.
 */
export class FreshLookups<Found extends { id: string }, Row> {
  private readonly cache = new LRUCache<string, Cached<Row>>({ max: MAX_CACHED });
  private readonly ended = new LRUCache<string, true>({ max: MAX_CACHED });
  private readonly refreshing = new Map<string, Promise<Row | null>>();
  private readonly lookups = new Batcher<string, Row | null>((ids) => this.lookUp(ids));

  /**
   * @param read Returns the rows that exist of those given.
   * @param prepare Returns what is cached for a row, from the time of the monotonic clock at which it was read and from what
   *   was cached before.
   */
  constructor(
    private readonly read: (ids: string[]) => Promise<Found[]>,
    private readonly prepare: (found: Found, readAtMs: number, before: Row | undefined) => Row,
    private readonly onError: (error: Error) => void,
    private readonly monotonicMs: () => number,
  ) {}

  /** @throws DatabaseUnavailable */
  find(id: string): Row | null | Promise<Row | null> {
    if (this.ended.has(id)) return null;
    const cached = this.cache.get(id);
    if (!cached) return this.refresh(id);
    const ageMs = this.monotonicMs() - cached.readAtMs;
    if (ageMs < REFRESH_AFTER_MS) return cached.row;
    const asked = this.refresh(id);
    if (ageMs >= EXPIRE_AFTER_MS) return asked;
    asked.catch(this.onError);
    return cached.row;
  }

  /** Forgets a row that was deleted for good, also if a lookup that is in progress has read it. */
  end(id: string): void {
    this.ended.set(id, true);
    this.cache.delete(id);
  }

  private refresh(id: string): Promise<Row | null> {
    const asked = this.refreshing.get(id) ?? this.lookups.submit(id).finally(() => this.refreshing.delete(id));
    this.refreshing.set(id, asked);
    return asked;
  }

  private async lookUp(ids: string[]): Promise<(Row | null)[]> {
    // Taken before the query: a slow response must not look newer than it is.
    const readAtMs = this.monotonicMs();
    const found = new Map((await this.read(ids)).map((row) => [row.id, row]));
    return ids.map((id) => this.remember(id, found.get(id), readAtMs));
  }

  /** Caches existing rows only: guessed ids would evict them. */
  private remember(id: string, found: Found | undefined, readAtMs: number): Row | null {
    const before = this.cache.get(id)?.row;
    this.cache.delete(id);
    if (!found || this.ended.has(id)) return null;
    const row = this.prepare(found, readAtMs, before);
    this.cache.set(id, { row, readAtMs });
    return row;
  }
}
