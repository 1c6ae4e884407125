import { DaybookError } from '../../platform/errors.js';

/** The entry is effective in a closed month. */
export class PeriodClosed extends DaybookError {
  readonly code = 'period-closed';
  /** @param detail Names the month. */
  constructor(detail: string) {
    super(`${detail}. Use an effective time in an open period, or let an operator reopen it.`);
  }
}

export class EntryNotFound extends DaybookError {
  readonly code = 'entry-not-found';
  override readonly message = 'Entry not found';
}

/** A reversal, an entry that is reversed already, or one that belongs to an order or a booking. */
export class EntryNotReversible extends DaybookError {
  readonly code = 'entry-not-reversible';
}

/** An account has as many balances as it may have, and the entry would add one. */
export class TooManyBalances extends DaybookError {
  readonly code = 'too-many-balances';
  constructor(limit: number) {
    super(`The books have ${limit.toLocaleString('en')} balances (ledger account and currency), and may not have more`);
  }
}
