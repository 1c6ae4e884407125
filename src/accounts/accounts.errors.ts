import { DaybookError } from '../platform/errors.js';

export class ApiKeyNotFound extends DaybookError {
  readonly code = 'not-found';
  override readonly message = 'API key not found';
}

export class AccountNotFound extends DaybookError {
  readonly code = 'not-found';
  override readonly message = 'Account not found';
}

const WHY = {
  revoked: 'The key is revoked',
  expired: 'The key has expired',
  replaced: 'The key was rotated before and has a successor',
};

/** A key that is revoked, expired or already rotated cannot be rotated. */
export class ApiKeyEnded extends DaybookError {
  readonly code = 'api-key-ended';
  constructor(why: keyof typeof WHY) {
    super(`${WHY[why]}; create a new one instead.`);
  }
}

/** With `AUTH=open` any caller could create a key that stays valid after authentication is required. */
export class KeysNeedAuthentication extends DaybookError {
  readonly code = 'authentication-off';
  override readonly message = 'With AUTH=open, keys can only be managed on the command line: npm run keys -- --help';
}
