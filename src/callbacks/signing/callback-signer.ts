import type { KeyObject } from 'node:crypto';
import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Config } from '../../platform/config/config.js';
import { throughOutage } from '../../platform/database/outages.js';
import { logOnce } from '../../platform/observability/log-once.js';
import type { ValidSecret } from './callback-secret.repository.js';
import { readPrivateKey, readSecret, sign } from './signature.js';

/** A rotation takes effect in every process within this interval and one query. The documented limit is 5 s. */
const REFRESH_MS = 2_000;

type Scheme = Config['CALLBACK_SIGNATURE'];

interface Signing {
  /** End of validity by the monotonic clock, in milliseconds. */
  untilMs: number;
  /** One key per scheme. */
  keys: KeyObject[];
}

/**
 * Signs callbacks with the valid secrets. The keys are cached and read every 2 s, so signing needs no query and continues
 * with the cached keys while the database is unavailable.
 */
export class CallbackSigner implements OnModuleInit, OnApplicationShutdown {
  private readonly onError = logOnce(new Logger(CallbackSigner.name), 'Callbacks are signed with the cached secrets');
  private signing = new Map<string, Signing>();
  /** In the order of the signatures. */
  private signers: { untilMs: number; key: KeyObject }[] = [];
  private refreshing: Promise<void> | null = null;
  private timer: NodeJS.Timeout | undefined;

  /** @param valid Reads the valid secrets, newest first; at least one. */
  constructor(
    private readonly valid: () => Promise<Pick<ValidSecret, 'id' | 'secret' | 'privateKey' | 'expiresInMs'>[]>,
    private readonly scheme: Scheme,
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {}

  async onModuleInit(): Promise<void> {
    await throughOutage(() => this.refresh());
    this.timer = setInterval(() => void this.refresh().catch(this.onError), REFRESH_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Reads the valid secrets. Concurrent calls share one query. */
  refresh(): Promise<void> {
    this.refreshing ??= this.lookUp().finally(() => (this.refreshing = null));
    return this.refreshing;
  }

  /**
   * @param body The bytes to send.
   * @returns The header `webhook-signature`: a signature with each valid key, newest first.
   */
  signatures(id: string, timestamp: string, body: Buffer): string {
    const nowMs = this.monotonicMs();
    const signed: string[] = [];
    for (const { untilMs, key } of this.signers) if (untilMs > nowMs) signed.push(sign(key, id, timestamp, body));
    return signed.join(' ');
  }

  private async lookUp(): Promise<void> {
    // Taken before the query, so that a slow answer does not extend the validity of a key.
    const readAtMs = this.monotonicMs();
    const valid = await this.valid();
    this.signing = new Map(
      valid.map((secret): [string, Signing] => {
        const untilMs = readAtMs + (secret.expiresInMs ?? Number.POSITIVE_INFINITY);
        return [secret.id, { untilMs, keys: this.signing.get(secret.id)?.keys ?? keysOf(secret, this.scheme) }];
      }),
    );
    const newestFirst = [...this.signing.values()];
    this.signers = (newestFirst[0]?.keys ?? []).flatMap((_, scheme) =>
      newestFirst.map(({ untilMs, keys }) => ({ untilMs, key: keys[scheme]! })),
    );
  }
}

function keysOf(secret: Pick<ValidSecret, 'secret' | 'privateKey'>, scheme: Scheme): KeyObject[] {
  const keys = { v1: () => readSecret(secret.secret), v1a: () => readPrivateKey(secret.privateKey) };
  return scheme === 'both' ? [keys.v1(), keys.v1a()] : [keys[scheme]()];
}
