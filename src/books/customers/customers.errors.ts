import { DaybookError } from '../../platform/errors.js';

export class CustomerNotFound extends DaybookError {
  readonly code = 'customer-not-found';
  /** @param path The field of the body that names the customer, if it was not the URL. */
  constructor(override readonly path?: string) {
    super('Customer not found');
  }
}

/** Another customer of the account has the email, in whatever case. */
export class EmailTaken extends DaybookError {
  readonly code = 'email-taken';
  override readonly path = 'email';
  override readonly message = 'Another customer has this email';
}

/** Orders or entries of the journal name the customer. */
export class CustomerInUse extends DaybookError {
  readonly code = 'customer-in-use';
  override readonly message = 'The customer has orders or entries in the journal. Set is_active to false instead.';
}
