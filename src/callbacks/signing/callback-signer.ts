import type { KeyObject } from 'node:crypto';
import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Config } from '../../platform/config/config.js';
import { throughOutage } from '../../platform/database/database.js';
import { logOnce } from '../../platform/observability/log-once.js';
import type { ValidSecret } from './callback-secret.store.js';
import { readPrivateKey, readSecret, sign } from './signature.js';

/** A rotation is known everywhere after this time and a query's; what is promised is 5 s. */
const REFRESH_MS = 2_000;

type Scheme = Config['CALLBACK_SIGNATURE'];

interface Signing {
  /** By the monotonic clock, in milliseconds. */
  untilMs: number;
  /** One a scheme. */
  keys: KeyObject[];
}

/**
 * Signs callbacks with what is valid. The keys are kept in memory and looked up every 2 s, not when a callback is sent:
 * signing asks the database nothing, and goes on with what is known while the database is away.
 */
export class CallbackSigner implements OnModuleInit, OnApplicationShutdown {
  private readonly onError = logOnce(new Logger(CallbackSigner.name), 'Callbacks are signed with what was known');
  private signing = new Map<string, Signing>();
  /** In the order in which they sign. */
  private signers: { untilMs: number; key: KeyObject }[] = [];
  private refreshing: Promise<void> | null = null;
  private timer: NodeJS.Timeout | undefined;

  /** @param valid What signs now, newest first; there is always one. */
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

  /** Looks up what is valid; of several who ask at the same time one does. */
  refresh(): Promise<void> {
    this.refreshing ??= this.lookUp().finally(() => (this.refreshing = null));
    return this.refreshing;
  }

  /**
   * The header `webhook-signature` of an attempt: a signature by each valid key, the newest first.
   * @param body The bytes that are sent.
   */
  signatures(id: string, timestamp: string, body: Buffer): string {
    const nowMs = this.monotonicMs();
    const signed: string[] = [];
    for (const { untilMs, key } of this.signers) if (untilMs > nowMs) signed.push(sign(key, id, timestamp, body));
    return signed.join(' ');
  }

  private async lookUp(): Promise<void> {
    // Before the question: however long the answer takes, nothing is taken to be valid for longer than it is.
    const askedAtMs = this.monotonicMs();
    const valid = await this.valid();
    this.signing = new Map(
      valid.map((secret): [string, Signing] => {
        const untilMs = askedAtMs + (secret.expiresInMs ?? Number.POSITIVE_INFINITY);
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
