import { LimitReached } from '../errors.js';

/** Too many transactions of the account wait for each other. The request had no effect and can be retried. */
export class AccountBusy extends LimitReached {
  readonly code = 'account-busy';
  override readonly retryAfterS = 5;
  override readonly message = 'Too many changes of the same books and events are waiting. Nothing was changed.';
}
