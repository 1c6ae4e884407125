import { DaybookError } from '../../platform/errors.js';

export class OrderNotFound extends DaybookError {
  readonly code = 'order-not-found';
  override readonly message = 'Order not found';
}

/** Another order of the account has the external reference. */
export class ExternalRefTaken extends DaybookError {
  readonly code = 'external-ref-taken';
  override readonly path = 'external_ref';
  override readonly message = 'Another order has this external_ref';
}
