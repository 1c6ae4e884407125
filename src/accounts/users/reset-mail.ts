import type { Query } from '../../platform/database/database.js';
import type { AccountId } from '../../platform/tenant.js';

/** The message with which a user resets a password. */
export interface PasswordResetMail {
  /** The account of an organizer; null for customers. */
  accountId: AccountId;
  to: string;
  /** Name of the user. */
  name: string;
  /** Secret: `POST /api/auth/reset/confirm` takes it. It must not appear in logs or lists. */
  token: string;
  expiresAt: Date;
}

/** Port: sends the message of a password reset. */
export abstract class ResetMail {
  /** @param query Of the transaction that stores the reset, so that both are stored or neither. */
  abstract add(query: Query, mail: PasswordResetMail): Promise<void>;

  /** Called after the commit. */
  abstract wake(): void;
}
