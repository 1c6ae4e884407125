import type { MailOutcome } from '../messages/mail-attempt.entity.js';
import type { TemplateData, TemplateName } from '../templates/template-data.js';

/** A message that this process has leased. */
export type ClaimedMail = {
  id: string;
  recipient: string;
  attempts: number;
  attemptsBeforeRetry: number;
  createdAt: Date;
  /** A change of an event that was cancelled since. It is not sent. */
  isOutdated: boolean;
} & { [Template in TemplateName]: { template: Template; data: TemplateData[Template] } }[TemplateName];

/** An attempt that has ended. */
export interface EndedAttempt {
  messageId: string;
  number: number;
  outcome: MailOutcome;
  /** The reply code of the server; null if it sent none. */
  smtpCode: number | null;
  /** The reply of the server, or the error. */
  detail: string;
  durationMs: number;
  /** Until the next attempt; null if there is none. */
  retryInMs: number | null;
}
