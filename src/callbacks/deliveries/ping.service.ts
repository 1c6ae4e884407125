import { HttpService } from '@nestjs/axios';
import { Injectable } from '@nestjs/common';
import { newId } from '../../platform/ids.js';
import { DaybookError } from '../../platform/errors.js';
import { traceView } from '../../requests/request.view.js';
import { pingMessage } from '../dispatch/callback-message.js';
import { CallbackSigner } from '../signing/callback-signer.js';
import { sendCallback } from '../transport/send-callback.js';
import { CallbackUrlRefused } from '../url-guard/callback-url-refused.js';
import { UrlGuard } from '../url-guard/url-guard.js';

/** Pings in flight in one process. Each lasts up to `CALLBACK_TIMEOUT`, and a caller may send many concurrently. */
const MAX_PINGS = 32;

/** The limit of concurrent pings is reached. */
export class PingsBusy extends DaybookError {
  readonly code = 'pings-busy';
  override readonly retryAfterS = 1;
  constructor() {
    super(`${MAX_PINGS} pings are in flight. Try again shortly.`);
  }
}

/** Pings receivers. */
@Injectable()
export class PingService {
  private inFlight = 0;

  constructor(
    private readonly http: HttpService,
    private readonly signer: CallbackSigner,
    private readonly guard: UrlGuard,
  ) {}

  /**
   * Sends one signed ping as a callback would be sent. It is not stored.
   * @returns The trace of the ping.
   * @throws CallbackUrlRefused, PingsBusy
   */
  async ping(text: string): Promise<object> {
    const url = await this.checked(text);
    if (this.inFlight >= MAX_PINGS) throw new PingsBusy();
    this.inFlight += 1;
    try {
      return await this.send(url);
    } finally {
      this.inFlight -= 1;
    }
  }

  private async checked(text: string): Promise<URL> {
    await this.guard.lookUp(text);
    try {
      return this.guard.check(text);
    } catch (error) {
      throw error instanceof CallbackUrlRefused ? error.at('url') : error;
    }
  }

  private async send(url: URL): Promise<object> {
    const attemptedAt = new Date();
    const { body, headers } = pingMessage(newId(), attemptedAt, this.signer);
    const { trace, errorKind, errorMessage } = await sendCallback(this.http, url.href, body, headers);
    const view = traceView({
      ...trace,
      url: url.href,
      statusCode: trace.status,
      success: errorKind === null,
      errorKind,
      errorMessage,
      responseTimeMs: trace.totalMs,
      attemptedAt,
    });
    return { webhook_id: headers['webhook-id'], ...view };
  }
}
