import { Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Batcher } from '../platform/concurrency/batcher.js';
import { logOnce } from '../platform/observability/log-once.js';
import { isSecretOf, parseKey } from './api-key.js';
import { type ApiKeyRepository, type CheckedKey, LAST_USED_EVERY_MS } from './api-key.repository.js';

/** A valid key: its name, account and scopes. */
export type AuthenticatedKey = Pick<CheckedKey, 'accountId' | 'name' | 'scopes'> & { keyId: string };

/** Why a key is refused. `unknown` covers wrong secrets, so that guesses learn nothing about existing keys. */
export type Refusal = 'malformed' | 'unknown' | 'revoked' | 'expired';

interface CachedKey extends CheckedKey {
  /** Times of the monotonic clock, in milliseconds. */
  readAtMs: number;
  expiresAtMs: number;
  touchAtMs: number;
}

/** A cached key of this age is read again in the background, while requests use the cached state. */
const REFRESH_AFTER_MS = 1_000;
/** A cached key of this age is not used; requests wait for the database. Every process must reject a revoked key within 5 s. */
const EXPIRE_AFTER_MS = 4_000;
const MAX_CACHED = 10_000;

/**
 * Authenticates API keys. A key in use costs one query a second, not one a request. Lookups are batched, one query at a
 * time, so that guessed keys cost the database little. During an outage of the database cached keys expire.
 */
export class Authenticator {
  private readonly cache = new LRUCache<string, CachedKey>({ max: MAX_CACHED });
  private readonly refreshing = new Map<string, Promise<CachedKey | null>>();
  private readonly lookups = new Batcher<string, CachedKey | null>((ids) => this.lookUp(ids));
  private readonly onError = logOnce(new Logger(Authenticator.name), 'API keys cannot be refreshed');

  constructor(
    private readonly keys: Pick<ApiKeyRepository, 'findChecked' | 'touch'>,
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {}

  /**
   * @param text `dbk_<id>_<secret>`, as received.
   * @throws DatabaseUnavailable
   */
  async check(text: string): Promise<AuthenticatedKey | Refusal> {
    const given = parseKey(text);
    if (!given) return 'malformed';
    const key = await this.find(given.id);
    if (!key || !isSecretOf(key.secretHash, given.secret)) return 'unknown';
    if (key.isRevoked) return 'revoked';
    const nowMs = this.monotonicMs();
    if (key.expiresAtMs <= nowMs) return 'expired';
    if (key.touchAtMs <= nowMs) this.touch(key, nowMs);
    return { keyId: key.id, name: key.name, accountId: key.accountId, scopes: key.scopes };
  }

  private find(id: string): CachedKey | null | Promise<CachedKey | null> {
    const key = this.cache.get(id);
    const ageMs = key ? this.monotonicMs() - key.readAtMs : Number.POSITIVE_INFINITY;
    if (ageMs < REFRESH_AFTER_MS) return key!;
    const asked = this.refresh(id);
    if (ageMs >= EXPIRE_AFTER_MS) return asked;
    asked.catch(this.onError);
    return key!;
  }

  private refresh(id: string): Promise<CachedKey | null> {
    const asked = this.refreshing.get(id) ?? this.lookups.submit(id).finally(() => this.refreshing.delete(id));
    this.refreshing.set(id, asked);
    return asked;
  }

  private async lookUp(ids: string[]): Promise<(CachedKey | null)[]> {
    // Taken before the query: a slow response must not look newer than it is.
    const readAtMs = this.monotonicMs();
    const found = new Map((await this.keys.findChecked(ids)).map((key) => [key.id, key]));
    return ids.map((id) => this.remember(id, found.get(id), readAtMs));
  }

  /** Caches existing keys only: guessed ids would evict them. */
  private remember(id: string, key: CheckedKey | undefined, readAtMs: number): CachedKey | null {
    const before = this.cache.get(id);
    this.cache.delete(id);
    if (!key) return null;
    const expiresAtMs = readAtMs + (key.expiresInMs ?? Number.POSITIVE_INFINITY);
    const dueAtMs = key.lastUsedAgoMs === null ? readAtMs : readAtMs - key.lastUsedAgoMs + LAST_USED_EVERY_MS;
    const cached = { ...key, readAtMs, expiresAtMs, touchAtMs: Math.max(before?.touchAtMs ?? dueAtMs, dueAtMs) };
    this.cache.set(id, cached);
    return cached;
  }

  private touch(key: CachedKey, nowMs: number): void {
    key.touchAtMs = nowMs + LAST_USED_EVERY_MS;
    this.keys.touch(key.id).catch(this.onError);
  }
}
