import { DaybookError } from '../platform/errors.js';

export class ApiKeyNotFound extends DaybookError {
  readonly code = 'not-found';
  constructor() {
    super('API key not found');
  }
}

export class AccountNotFound extends DaybookError {
  readonly code = 'not-found';
  constructor() {
    super('Account not found');
  }
}

const WHY = {
  revoked: 'The key is revoked',
  expired: 'The key has expired',
  replaced: 'The key was rotated before and has a successor',
};

/** A key that has ended, or has a successor, has nothing left to be rotated. */
export class ApiKeyEnded extends DaybookError {
  readonly code = 'api-key-ended';
  constructor(why: keyof typeof WHY) {
    super(`${WHY[why]}; create a new one instead.`);
  }
}

/** Over an open API anybody could make a key that outlasts the opening. */
export class KeysNeedAuthentication extends DaybookError {
  readonly code = 'authentication-off';
  constructor() {
    super('With AUTH=open keys are managed at the command line only: npm run keys -- --help');
  }
}
