import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Batcher } from '../../platform/concurrency/batcher.js';
import { retryAtMs } from '../../platform/concurrency/retry-schedule.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { isDataError, throughOutage } from '../../platform/database/outages.js';
import { Metrics } from '../../platform/observability/metrics.js';
import { Templates } from '../templates/templates.js';
import type { ClaimedMail, EndedAttempt } from './claimed-mail.js';
import { SendLimiter } from './send-limiter.js';
import { MailAttemptsStore } from './mail-attempts.store.js';
import { printable, smtpFailure } from './smtp-failure.js';
import { SmtpPool } from './smtp-pool.js';

/** Attempts in progress, without those that {@link SendLimiter} no longer counts. */
const CONNECTIONS = 10;
/** Most messages in progress, including slow ones and those being recorded. A crash may repeat up to this number. */
export const MAX_IN_FLIGHT = 50;

/** One address, without a list, a comment or a line break. */
const ADDRESS = /^[^\s<>()[\]",;:@\p{Cc}]+@[^\s<>()",;@\p{Cc}]+$/u;

/** Sends messages to the server of `SMTP_URL` and records the attempts. */
@Injectable()
export class MailSender implements OnApplicationShutdown {
  private readonly pool: SmtpPool | null;
  private isAborted = false;
  private readonly limiter = new SendLimiter(CONNECTIONS);
  private readonly recordings = new Batcher<EndedAttempt, void>(
    async (batch) => {
      await throughOutage(() => this.attempts.record(batch));
      return batch.map(() => undefined);
    },
    { isItemFault: isDataError },
  );

  constructor(
    private readonly attempts: MailAttemptsStore,
    private readonly templates: Templates,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Pick<Config, 'SMTP_URL' | 'SMTP_TIMEOUT' | 'MAIL_RETRY_DELAYS'>,
  ) {
    const { SMTP_URL, SMTP_TIMEOUT } = config;
    this.pool = SMTP_URL === undefined ? null : new SmtpPool(SMTP_URL, SMTP_TIMEOUT, MAX_IN_FLIGHT);
  }

  /** Ends the attempts in progress. They are not recorded, and their messages are due again. */
  abort(): void {
    this.isAborted = true;
    this.pool?.close();
  }

  /** Whether there is a server to send to. */
  get hasServer(): boolean {
    return this.pool !== null;
  }

  /**
   * Sends a message once and records the attempt.
   * @param maySend Called just before the attempt. Whether the lease is still valid and the process is not stopping.
   * @returns The attempt; null if there was none.
   */
  async send(mail: ClaimedMail, maySend: () => boolean): Promise<EndedAttempt | null> {
    const ended = await this.limiter.run(async () => (maySend() ? this.attempt(mail) : null));
    if (!ended) return null;
    await this.recordings.submit(ended);
    this.metrics.mailAttempts.inc({ outcome: ended.outcome });
    return ended;
  }

  onApplicationShutdown(): void {
    this.pool?.close();
  }

  /** @returns Null if it was aborted, or there is no server. */
  private async attempt(mail: ClaimedMail): Promise<EndedAttempt | null> {
    if (!this.pool) return null;
    const startedAtMs = performance.now();
    const number = mail.attempts + 1;
    const ended = (
      outcome: EndedAttempt['outcome'],
      rest: Pick<EndedAttempt, 'smtpCode' | 'detail' | 'retryInMs'>,
    ) => ({
      messageId: mail.id,
      number,
      outcome,
      durationMs: performance.now() - startedAtMs,
      ...rest,
    });
    const reason = reasonNotToSend(mail);
    if (reason !== null) return ended('failed', { smtpCode: null, detail: reason, retryInMs: null });
    try {
      const reply = await this.pool.send(this.templates.message(mail));
      return ended('sent', { smtpCode: Number.parseInt(reply, 10) || null, detail: printable(reply), retryInMs: null });
    } catch (error) {
      if (this.isAborted) return null;
      const { isFinal, smtpCode, detail } = smtpFailure(error);
      const tries = number - mail.attemptsBeforeRetry;
      const retryInMs = isFinal ? null : retryAtMs(tries, 0, this.config.MAIL_RETRY_DELAYS);
      return ended(retryInMs === null ? 'failed' : 'retried', { smtpCode, detail, retryInMs });
    }
  }
}

function reasonNotToSend({ recipient, isOutdated }: ClaimedMail): string | null {
  if (!ADDRESS.test(recipient)) return 'The address is not valid';
  return isOutdated ? 'The event was cancelled before the message about its change was sent' : null;
}
