import { DaybookError } from '../../platform/errors.js';

export class MailNotFound extends DaybookError {
  readonly code = 'mail-not-found';
  override readonly message = 'Message not found';
}

/** The message was sent. */
export class MailSent extends DaybookError {
  readonly code = 'mail-sent';
  override readonly message = 'The message was sent already.';
}

/** With `AUTH=open`, the caller is on another machine or a user. */
export class MailNeedsOperator extends DaybookError {
  readonly code = 'operators-only';
  override readonly message = 'Mail is shown to operators only: with AUTH=open, callers on this machine';
}
