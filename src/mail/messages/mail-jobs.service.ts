import { Injectable } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import { OPEN_INSTALLATION } from '../../platform/tenant.js';
import { type Job, type JobCounts, QueueJobs, type JobState } from '../../queue/jobs/queue-jobs.js';
import { MailJobsRepository } from './mail-jobs.repository.js';
import type { MailAttempt } from './mail-attempt.entity.js';
import { type FullMail, MailRepository } from './mail.repository.js';
import { MailService } from './mail.service.js';

/** The queue `mail` of the board: every message is a job. A message that was kept shows as failed and can be retried. */
@Injectable()
export class MailJobs extends QueueJobs<FullMail> {
  readonly queue = 'mail';
  readonly retries = true;

  constructor(
    private readonly jobs: MailJobsRepository,
    private readonly mails: MailRepository,
    private readonly service: MailService,
  ) {
    super();
  }

  counts(): Promise<JobCounts> {
    return this.jobs.counts();
  }

  async logs(id: string): Promise<string[]> {
    return isUuid(id) ? (await this.mails.attemptsOf(id)).map(logLine) : [];
  }

  async retry(id: string): Promise<void> {
    const mail = await this.row(id);
    if (mail?.status === 'failed' || mail?.status === 'kept') await this.service.resend(mail);
  }

  protected ids(state: JobState, offset: number, limit: number): Promise<string[]> {
    return this.jobs.ids(state, offset, limit);
  }

  protected rows(ids: string[]): Promise<FullMail[]> {
    return this.mails.findAll(ids);
  }

  protected job(mail: FullMail): Job {
    return jobOf(mail);
  }
}

function stateOf({ status, leasedBy, attempts, nextAttemptAt }: FullMail): JobState {
  if (status === 'sent') return 'completed';
  if (status !== 'pending') return 'failed';
  if (leasedBy !== null) return 'active';
  return attempts > 0 && nextAttemptAt! > new Date() ? 'delayed' : 'waiting';
}

/** The data of the template, without the token of a password reset. */
function shownData({ data }: FullMail): object {
  const { token: _, ...shown } = data as { token?: unknown };
  return shown;
}

function jobOf(mail: FullMail): Job {
  const state = stateOf(mail);
  const kept = mail.status === 'kept' ? 'Kept: there was no mail server (SMTP_URL) to send it to' : null;
  return {
    id: mail.id,
    name: `${mail.template} to ${mail.recipient}`,
    state,
    data: {
      account: mail.accountId === OPEN_INSTALLATION ? 'open' : mail.accountId,
      status: mail.status,
      to: mail.recipient,
      template: mail.template,
      data: shownData(mail),
    },
    attempts: mail.attempts,
    createdAt: mail.createdAt,
    startedAt: null,
    finishedAt: mail.finishedAt,
    dueAt: state === 'delayed' ? mail.nextAttemptAt : null,
    leasedBy: mail.leasedBy,
    error: mail.error ?? kept,
    result: null,
  };
}

function logLine({ number, outcome, smtpCode, detail, durationMs, attemptedAt }: MailAttempt): string {
  const code = smtpCode === null ? '' : `, SMTP ${smtpCode}`;
  const text = detail === null ? '' : `: ${detail}`;
  return `${attemptedAt.toISOString()} attempt ${number}: ${outcome}${code} after ${durationMs} ms${text}`;
}
