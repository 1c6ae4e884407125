import { Logger } from '@nestjs/common';
import { logOnce } from '../platform/observability/log-once.js';
import { FreshLookups } from './fresh-lookups.js';
import { isSecretOf, parseKey } from './api-key.js';
import { type ApiKeyRepository, type CheckedKey, LAST_USED_EVERY_MS } from './api-key.repository.js';

/** A valid key: its name, account and scopes. */
export type AuthenticatedKey = Pick<CheckedKey, 'accountId' | 'name' | 'scopes'> & { keyId: string };

/** Why a key is refused. `unknown` covers wrong secrets, so that guesses learn nothing about existing keys. */
export type Refusal = 'malformed' | 'unknown' | 'revoked' | 'expired';

interface CachedKey extends CheckedKey {
  /** Times of the monotonic clock, in milliseconds. */
  expiresAtMs: number;
  touchAtMs: number;
}

/** Authenticates API keys. {@link FreshLookups} bounds what they cost the database. */
export class Authenticator {
  private readonly lookups: FreshLookups<CheckedKey, CachedKey>;
  private readonly onError = logOnce(new Logger(Authenticator.name), 'API keys cannot be refreshed');

  constructor(
    private readonly keys: Pick<ApiKeyRepository, 'findChecked' | 'touch'>,
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {
    this.lookups = new FreshLookups((ids) => keys.findChecked(ids), cachedKey, this.onError, monotonicMs);
  }

  /**
   * @param text `dbk_<id>_<secret>`, as received.
   * @throws DatabaseUnavailable
   */
  async check(text: string): Promise<AuthenticatedKey | Refusal> {
    const given = parseKey(text);
    if (!given) return 'malformed';
    const key = await this.lookups.find(given.id);
    if (!key || !isSecretOf(key.secretHash, given.secret)) return 'unknown';
    return this.checkLive(key);
  }

  /**
   * Checks the key of a session, which has proved earlier that it knows the secret.
   * @throws DatabaseUnavailable
   */
  async checkId(id: string): Promise<AuthenticatedKey | Refusal> {
    const key = await this.lookups.find(id);
    return key ? this.checkLive(key) : 'unknown';
  }

  private checkLive(key: CachedKey): AuthenticatedKey | Refusal {
    if (key.isRevoked) return 'revoked';
    const nowMs = this.monotonicMs();
    if (key.expiresAtMs <= nowMs) return 'expired';
    if (key.touchAtMs <= nowMs) this.touch(key, nowMs);
    return { keyId: key.id, name: key.name, accountId: key.accountId, scopes: key.scopes };
  }

  private touch(key: CachedKey, nowMs: number): void {
    key.touchAtMs = nowMs + LAST_USED_EVERY_MS;
    this.keys.touch(key.id).catch(this.onError);
  }
}

function cachedKey(key: CheckedKey, readAtMs: number, before: CachedKey | undefined): CachedKey {
  const expiresAtMs = readAtMs + (key.expiresInMs ?? Number.POSITIVE_INFINITY);
  const dueAtMs = key.lastUsedAgoMs === null ? readAtMs : readAtMs - key.lastUsedAgoMs + LAST_USED_EVERY_MS;
  return { ...key, expiresAtMs, touchAtMs: Math.max(before?.touchAtMs ?? dueAtMs, dueAtMs) };
}
