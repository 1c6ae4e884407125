import { DaybookError } from '../../platform/errors.js';

/** With `AUTH=open`, the caller is on another machine or a user. */
export class SettingsNeedOperator extends DaybookError {
  readonly code = 'operators-only';
  override readonly message = 'Settings are shown to operators only: with AUTH=open, callers on this machine';
}
