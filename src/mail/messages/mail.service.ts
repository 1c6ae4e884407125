import { Injectable } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import type { Caller } from '../../http/caller.js';
import { pageOf } from '../../platform/database/page.js';
import { storedAccount } from '../../platform/tenant.js';
import { WorkQueue } from '../../queue/work-queue.js';
import { Templates } from '../templates/templates.js';
import type { MailAttempt } from './mail-attempt.entity.js';
import { MailNeedsOperator, MailNotFound, MailSent } from './mail.errors.js';
import { type FullMail, MailRepository } from './mail.repository.js';
import type { MailQuery } from './mail.schema.js';

/** Shown in place of the token of a password reset. */
const HIDDEN = '(not shown)';

/**
 * Mail as operators see it. An admin key that acts for an account sees the mail of that account.
 * Every method that has a caller throws MailNeedsOperator for other callers.
 */
@Injectable()
export class MailService {
  constructor(
    private readonly mails: MailRepository,
    private readonly templates: Templates,
    private readonly queue: WorkQueue,
  ) {}

  /** @returns One page, newest first, and the cursor of the next (null on the last). */
  async list(caller: Caller, { limit, cursor, status, to }: MailQuery): Promise<object> {
    const filter = { accountId: accountOf(caller), status, to, beforeId: cursor };
    const read = (count: number) => this.mails.list({ ...filter, limit: count });
    const { page, next_cursor } = await pageOf(limit, read, ({ id }) => id);
    return { messages: page.map((mail) => this.view(mail)), next_cursor };
  }

  /** @throws MailNotFound */
  async detail(caller: Caller, id: string): Promise<object> {
    const mail = await this.find(caller, id);
    const attempts = await this.mails.attemptsOf(mail.id);
    const { messageId, text } = this.templates.message(shown(mail));
    return { ...this.view(mail), message_id: messageId, text, attempt_log: attempts.map(attemptView) };
  }

  /**
   * Makes a message due now. Its retry schedule begins again.
   * @throws MailNotFound, MailSent
   */
  async retry(caller: Caller, id: string): Promise<object> {
    await this.resend(await this.find(caller, id));
    return this.view(await this.find(caller, id));
  }

  /** Makes a message of any account due now. Its retry schedule begins again. @throws MailSent */
  async resend({ id, status }: Pick<FullMail, 'id' | 'status'>): Promise<void> {
    if (status === 'sent') throw new MailSent();
    await this.mails.retry(id);
    this.queue.wake('mail');
  }

  private async find(caller: Caller, id: string): Promise<FullMail> {
    const accountId = accountOf(caller);
    const mail = isUuid(id) ? await this.mails.find(id, accountId) : null;
    if (!mail) throw new MailNotFound();
    return mail;
  }

  private view(mail: FullMail): object {
    return {
      id: mail.id,
      to: mail.recipient,
      template: mail.template,
      subject: this.templates.message(shown(mail)).subject,
      status: mail.status,
      attempts: mail.attempts,
      next_attempt_at: mail.nextAttemptAt,
      error: mail.error,
      created_at: mail.createdAt,
      finished_at: mail.finishedAt,
    };
  }
}

/** The account whose mail an operator asks for; undefined for all. @throws MailNeedsOperator */
function accountOf({ isOperator, actor, account }: Caller): string | undefined {
  if (!isOperator) throw new MailNeedsOperator();
  return actor.kind === 'operator' ? storedAccount(account) : undefined;
}

/** Hides the token of a password reset, except in a kept message, which has no other way to its reader. */
function shown({ id, recipient, createdAt, template, status, data }: FullMail) {
  const isHidden = template === 'password-reset' && status !== 'kept';
  return { id, recipient, createdAt, template, data: isHidden ? { ...data, token: HIDDEN } : data };
}

function attemptView({ number, outcome, smtpCode, detail, durationMs, attemptedAt }: MailAttempt): object {
  return { number, outcome, smtp_code: smtpCode, detail, duration_ms: durationMs, attempted_at: attemptedAt };
}
