import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { SmtpPool } from './sending/smtp-pool.js';

/** The result of a check is reused for this time, so that health checks do not load the server. */
const FRESH_MS = 10_000;
/** A server that does not answer within this time is down. */
const CHECK_TIMEOUT_MS = 5_000;

/** The reason why the mail server cannot take messages: a stable code, listed in docs/operations.md. */
export type MailServerCause = 'unreachable' | 'timeout' | 'refused';

/** The server of `SMTP_URL`, for health checks of every process. */
@Injectable()
export class MailServer {
  private readonly url: string | undefined;
  private cause: MailServerCause | null = null;
  private checking: Promise<MailServerCause | null> | null = null;
  private checkedAtMs = Number.NEGATIVE_INFINITY;

  constructor(@Inject(CONFIG) { SMTP_URL }: Pick<Config, 'SMTP_URL'>) {
    this.url = SMTP_URL;
  }

  /** Whether there is a server. Without one, messages are kept. */
  get isSet(): boolean {
    return this.url !== undefined;
  }

  /** @returns The reason why the server is down; null if it is up, or there is none. At most ten seconds old. */
  check(): Promise<MailServerCause | null> {
    if (this.url === undefined) return Promise.resolve(null);
    if (performance.now() - this.checkedAtMs < FRESH_MS) return Promise.resolve(this.cause);
    this.checking ??= this.connect(this.url).finally(() => (this.checking = null));
    return this.checking;
  }

  private async connect(url: string): Promise<MailServerCause | null> {
    const pool = new SmtpPool(url, CHECK_TIMEOUT_MS, 1);
    try {
      await pool.verify();
      this.cause = null;
    } catch (error) {
      this.cause = causeOf(error);
    } finally {
      pool.close();
    }
    this.checkedAtMs = performance.now();
    return this.cause;
  }
}

function causeOf(error: unknown): MailServerCause {
  const { code, responseCode } = error as { code?: string; responseCode?: number };
  if (code === 'ETIMEDOUT') return 'timeout';
  return code === 'EAUTH' || responseCode ? 'refused' : 'unreachable';
}
