import { Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Batcher } from '../platform/concurrency/batcher.js';
import { logOnce } from '../platform/observability/log-once.js';
import { isSecretOf, parseKey } from './api-key.js';
import { type ApiKeyRepository, type CheckedKey, LAST_USED_EVERY_MS } from './api-key.repository.js';

/** Whose key it is and what it may do. */
export type Holder = Pick<CheckedKey, 'accountId' | 'scopes'> & { keyId: string };

/** Why a key is not good. What is not the secret of a key there is, is told no more than that. */
export type Refusal = 'malformed' | 'unknown' | 'revoked' | 'expired';

interface KnownKey extends CheckedKey {
  /** All by the monotonic clock, in milliseconds. */
  askedAtMs: number;
  expiresAtMs: number;
  touchAtMs: number;
}

/** What is known of a key is asked for again when it is so old, while requests go on with it. */
const REFRESH_AFTER_MS = 1_000;
/** What is so old counts no more: requests wait for the answer. A revocation is promised to be known within 5 s. */
const FORGET_AFTER_MS = 4_000;
const MAX_KNOWN = 10_000;

/**
 * Checks keys. A key in use costs one query a second, not one a request; unknown ones are looked up together, one query
 * at a time, so that guessing costs the database little. While the database is away, nobody is let in on old knowledge.
 */
export class Authenticator {
  private readonly known = new LRUCache<string, KnownKey>({ max: MAX_KNOWN });
  private readonly refreshing = new Map<string, Promise<KnownKey | null>>();
  private readonly lookups = new Batcher<string, KnownKey | null>((ids) => this.lookUp(ids));
  private readonly onError = logOnce(
    new Logger(Authenticator.name),
    'What is known of API keys cannot be brought up to date',
  );

  constructor(
    private readonly keys: Pick<ApiKeyRepository, 'findChecked' | 'touch'>,
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {}

  /**
   * @param text `dbk_<id>_<secret>`, as it came in.
   * @throws DatabaseUnavailable
   */
  async check(text: string): Promise<Holder | Refusal> {
    const given = parseKey(text);
    if (!given) return 'malformed';
    const key = await this.find(given.id);
    if (!key || !isSecretOf(key.secretHash, given.secret)) return 'unknown';
    if (key.isRevoked) return 'revoked';
    const nowMs = this.monotonicMs();
    if (key.expiresAtMs <= nowMs) return 'expired';
    if (key.touchAtMs <= nowMs) this.touch(key, nowMs);
    return { keyId: key.id, accountId: key.accountId, scopes: key.scopes };
  }

  private find(id: string): KnownKey | null | Promise<KnownKey | null> {
    const key = this.known.get(id);
    const ageMs = key ? this.monotonicMs() - key.askedAtMs : Number.POSITIVE_INFINITY;
    if (ageMs < REFRESH_AFTER_MS) return key!;
    const asked = this.refresh(id);
    if (ageMs >= FORGET_AFTER_MS) return asked;
    asked.catch(this.onError);
    return key!;
  }

  private refresh(id: string): Promise<KnownKey | null> {
    const asked = this.refreshing.get(id) ?? this.lookups.submit(id).finally(() => this.refreshing.delete(id));
    this.refreshing.set(id, asked);
    return asked;
  }

  private async lookUp(ids: string[]): Promise<(KnownKey | null)[]> {
    // Before the question: however long the answer takes, it is not taken for newer than it is.
    const askedAtMs = this.monotonicMs();
    const found = new Map((await this.keys.findChecked(ids)).map((key) => [key.id, key]));
    return ids.map((id) => this.remember(id, found.get(id), askedAtMs));
  }

  /** Only keys that there are: made-up ids would drive them out. */
  private remember(id: string, key: CheckedKey | undefined, askedAtMs: number): KnownKey | null {
    const before = this.known.get(id);
    this.known.delete(id);
    if (!key) return null;
    const expiresAtMs = askedAtMs + (key.expiresInMs ?? Number.POSITIVE_INFINITY);
    const dueAtMs = key.lastUsedAgoMs === null ? askedAtMs : askedAtMs - key.lastUsedAgoMs + LAST_USED_EVERY_MS;
    const known = { ...key, askedAtMs, expiresAtMs, touchAtMs: Math.max(before?.touchAtMs ?? dueAtMs, dueAtMs) };
    this.known.set(id, known);
    return known;
  }

  private touch(key: KnownKey, nowMs: number): void {
    key.touchAtMs = nowMs + LAST_USED_EVERY_MS;
    this.keys.touch(key.id).catch(this.onError);
  }
}
