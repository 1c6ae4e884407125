import type { KeyObject } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Batcher } from '../../platform/concurrency/batcher.js';
import type { Config } from '../../platform/config/config.js';
import { throughOutage } from '../../platform/database/outages.js';
import { logOnce } from '../../platform/observability/log-once.js';
import { type AccountId, storedAccount } from '../../platform/tenant.js';
import type { ValidSecret } from './callback-secret.repository.js';
import { readPrivateKey, readSecret, sign } from './signature.js';

/** Cached secrets of this age are read again in the background while callbacks are signed with them. */
const REFRESH_AFTER_MS = 2_000;
/** Cached secrets of this age are read again before they sign. A rotation takes effect within 5 s in every process. */
const WAIT_AFTER_MS = 4_000;
/** Accounts whose secrets are cached. */
const MAX_CACHED = 10_000;

type Scheme = Config['CALLBACK_SIGNATURE'];

/** The name of an account and the secrets that sign its callbacks, newest first; at least one. */
export interface AccountSecrets {
  name: string;
  secrets: Pick<ValidSecret, 'id' | 'secret' | 'privateKey' | 'expiresInMs'>[];
}

/** Signs the messages of one account. */
export interface MessageSigner {
  /** The name of the account, which the signed body contains. */
  readonly account: string;
  /**
   * @param body The bytes to send.
   * @returns The header `webhook-signature`: a signature with each valid key, newest first.
   */
  signatures(id: string, timestamp: string, body: Buffer): string;
}

/** The keys of one secret. */
interface Signing {
  id: string;
  /** End of validity by the monotonic clock, in milliseconds. */
  untilMs: number;
  /** One key per scheme. */
  keys: KeyObject[];
}

class AccountSigner implements MessageSigner {
  /** In the order of the signatures. */
  private readonly signers: { untilMs: number; key: KeyObject }[];

  /** @param newestFirst At least one. */
  constructor(
    readonly account: string,
    readonly newestFirst: Signing[],
    readonly readAtMs: number,
    private readonly monotonicMs: () => number,
  ) {
    this.signers = newestFirst[0]!.keys.flatMap((_, scheme) =>
      newestFirst.map(({ untilMs, keys }) => ({ untilMs, key: keys[scheme]! })),
    );
  }

  signatures(id: string, timestamp: string, body: Buffer): string {
    const nowMs = this.monotonicMs();
    const signed: string[] = [];
    for (const { untilMs, key } of this.signers) if (untilMs > nowMs) signed.push(sign(key, id, timestamp, body));
    return signed.join(' ');
  }
}

/**
 * Signs callbacks with the valid secrets of their accounts. The keys are cached: an account in use costs one query in 2 s,
 * shared with other accounts, and signing continues with the cached keys while the database is unavailable.
 */
export class CallbackSigner {
  private readonly onError = logOnce(new Logger(CallbackSigner.name), 'Callbacks are signed with the cached secrets');
  private readonly cache = new LRUCache<string, AccountSigner>({ max: MAX_CACHED });
  private readonly refreshing = new Map<string, Promise<AccountSigner>>();
  private readonly lookUps = new Batcher<string, AccountSigner>((ids) => this.lookUp(ids));

  /** @param secretsOf Reads the secrets of accounts by id, and creates those that are missing. */
  constructor(
    private readonly secretsOf: (accountIds: string[]) => Promise<Map<string, AccountSecrets>>,
    private readonly scheme: Scheme,
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {}

  /**
   * @returns The signer of an account's messages. It is for use at once: it does not learn of later rotations.
   * @throws DatabaseUnavailable if the secrets are not cached and the outage lasts for more than a minute.
   */
  of(account: AccountId): MessageSigner | Promise<MessageSigner> {
    const id = storedAccount(account);
    const cached = this.cache.get(id);
    if (!cached) return throughOutage(() => this.refresh(id));
    const ageMs = this.monotonicMs() - cached.readAtMs;
    if (ageMs < REFRESH_AFTER_MS) return cached;
    const refreshed = this.refresh(id).catch((error: Error) => {
      this.onError(error);
      return cached;
    });
    return ageMs < WAIT_AFTER_MS ? cached : refreshed;
  }

  /** Concurrent calls share one query. */
  private refresh(id: string): Promise<AccountSigner> {
    const asked = this.refreshing.get(id) ?? this.lookUps.submit(id).finally(() => this.refreshing.delete(id));
    this.refreshing.set(id, asked);
    return asked;
  }

  private async lookUp(ids: string[]): Promise<AccountSigner[]> {
    // Taken before the query, so that a slow answer does not extend the validity of a key.
    const readAtMs = this.monotonicMs();
    const found = await this.secretsOf(ids);
    return ids.map((id) => {
      const { name, secrets } = found.get(id)!;
      const before = this.cache.get(id)?.newestFirst;
      const newestFirst = secrets.map((secret) => ({
        id: secret.id,
        untilMs: readAtMs + (secret.expiresInMs ?? Number.POSITIVE_INFINITY),
        keys: before?.find((known) => known.id === secret.id)?.keys ?? keysOf(secret, this.scheme),
      }));
      const signer = new AccountSigner(name, newestFirst, readAtMs, this.monotonicMs);
      this.cache.set(id, signer);
      return signer;
    });
  }
}

function keysOf(secret: Pick<ValidSecret, 'secret' | 'privateKey'>, scheme: Scheme): KeyObject[] {
  const keys = { v1: () => readSecret(secret.secret), v1a: () => readPrivateKey(secret.privateKey) };
  return scheme === 'both' ? [keys.v1(), keys.v1a()] : [keys[scheme]()];
}
