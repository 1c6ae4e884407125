import { DaybookError } from '../../platform/errors.js';

/** With `AUTH=open`, a caller from another machine has no account whose actions it could see. */
export class ActionsNeedOperator extends DaybookError {
  readonly code = 'operators-only';
  override readonly message = 'With AUTH=open, the actions are shown to callers on this machine only';
}
