import { DaybookError } from '../../platform/errors.js';

export class OrderNotFound extends DaybookError {
  readonly code = 'order-not-found';
  constructor() {
    super('Order not found');
  }
}

/** Another order of the account has the external reference. */
export class ExternalRefTaken extends DaybookError {
  readonly code = 'external-ref-taken';
  override readonly path = 'external_ref';
  constructor() {
    super('Another order has this external_ref');
  }
}
