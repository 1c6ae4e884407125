import { Injectable } from '@nestjs/common';
import { type PasswordResetMail, ResetMail } from '../accounts/users/reset-mail.js';
import type { Query } from '../platform/database/database.js';
import { Outbox } from './outbox.js';

/** Sends the messages of password resets through the outbox. */
@Injectable()
export class OutboxResetMail extends ResetMail {
  constructor(private readonly outbox: Outbox) {
    super();
  }

  add(query: Query, { accountId, to, name, token, expiresAt }: PasswordResetMail): Promise<void> {
    const data = { name, token, expires_at: expiresAt.toISOString() };
    return this.outbox.add(query, [{ accountId, to, template: 'password-reset', data }]);
  }

  wake(): void {
    this.outbox.wake();
  }
}
