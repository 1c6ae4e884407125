import { HttpService } from '@nestjs/axios';
import { Injectable } from '@nestjs/common';
import { newId } from '../../platform/ids.js';
import { type AccountId } from '../../platform/tenant.js';
import { LimitReached } from '../../platform/errors.js';
import { traceView } from '../../requests/request.view.js';
import { pingMessage } from '../dispatch/callback-message.js';
import { CallbackSigner } from '../signing/callback-signer.js';
import { OutgoingMessage } from '../transport/callback-client.js';
import { sendCallback } from '../transport/send-callback.js';
import { CallbackUrlRefused } from '../url-guard/callback-url-refused.js';
import { UrlGuard } from '../url-guard/url-guard.js';

/** Pings of one account in flight in one process. Each lasts up to `CALLBACK_TIMEOUT`. */
const MAX_PINGS = 32;
/** Pings of all accounts in flight in one process. */
const MAX_TOTAL = 512;
/** An account may have at most this part of the free slots in flight, so some stay free for the next account. */
const SHARE_OF_FREE = 1 / 8;

/**
 * Whether an account may send one more ping: a dynamic threshold, which falls as the process fills up. With n busy accounts
 * each gets 512 / (n + 8), at most 32, and an idle account gets a slot whatever the others do.
 * @param own Pings of the account in flight.
 * @param total Pings of all accounts in flight.
 */
export function mayPing(own: number, total: number): boolean {
  return own < Math.min(MAX_PINGS, (MAX_TOTAL - total) * SHARE_OF_FREE);
}

/** The account has as many pings in flight as it may have. */
export class PingsBusy extends LimitReached {
  readonly code = 'pings-busy';
  override readonly retryAfterS = 1;
  constructor(inFlight: number) {
    super(`${inFlight} of your pings are in flight. Try again shortly.`);
  }
}

/** Pings receivers. */
@Injectable()
export class PingService {
  private readonly inFlight = new Map<AccountId, number>();
  private total = 0;

  constructor(
    private readonly http: HttpService,
    private readonly signer: CallbackSigner,
    private readonly guard: UrlGuard,
  ) {}

  /**
   * Sends one signed ping as a callback would be sent. It is not stored.
   * @param isOperator The trace of a refused target says which kind of address its name has.
   * @returns The trace of the ping.
   * @throws CallbackUrlRefused, PingsBusy
   */
  async ping(text: string, account: AccountId, isOperator: boolean): Promise<object> {
    const own = this.inFlight.get(account) ?? 0;
    if (!mayPing(own, this.total)) throw new PingsBusy(own);
    this.count(account, 1);
    try {
      return await this.send(await this.checked(text), account, isOperator);
    } finally {
      this.count(account, -1);
    }
  }

  private count(account: AccountId, change: 1 | -1): void {
    const own = (this.inFlight.get(account) ?? 0) + change;
    if (own > 0) this.inFlight.set(account, own);
    else this.inFlight.delete(account);
    this.total += change;
  }

  private async checked(text: string): Promise<URL> {
    await this.guard.lookUp(text);
    try {
      return this.guard.check(text);
    } catch (error) {
      throw error instanceof CallbackUrlRefused ? error.at('url') : error;
    }
  }

  private async send(url: URL, account: AccountId, isOperator: boolean): Promise<object> {
    const signer = await this.signer.of(account);
    const attemptedAt = new Date();
    const { body, headers } = pingMessage(newId(), attemptedAt, signer);
    const { trace, errorKind, errorMessage, forOperators } = await sendCallback(
      this.http,
      url.href,
      new OutgoingMessage(body, headers, account),
    );
    const view = traceView({
      ...trace,
      url: url.href,
      statusCode: trace.status,
      success: errorKind === null,
      errorKind,
      errorMessage: isOperator && forOperators ? `${errorMessage}. ${forOperators}` : errorMessage,
      responseTimeMs: trace.totalMs,
      attemptedAt,
    });
    return { webhook_id: headers['webhook-id'], ...view };
  }
}
