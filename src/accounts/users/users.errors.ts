import { DaybookError, LimitReached } from '../../platform/errors.js';

/** Too many passwords wait to be checked. */
export class PasswordsBusy extends LimitReached {
  readonly code = 'passwords-busy';
  constructor(override readonly retryAfterS: number) {
    super('Too many logins at once; retry later');
  }
}

/** The same for an unknown address and a wrong password. */
export class LoginFailed extends DaybookError {
  readonly code = 'login-failed';
  override readonly message = 'The email address or the password is wrong';
}

/** The API key of a login is malformed, unknown, revoked or expired. */
export class KeyRefused extends DaybookError {
  readonly code = 'login-failed';
  override readonly path = 'api_key';
  override readonly message = 'The API key is unknown, revoked or expired';
}

/** The current password of a signed-in user is wrong. */
export class WrongPassword extends DaybookError {
  readonly code = 'wrong-password';
  override readonly path = 'current';
  override readonly message = 'The current password is wrong';
}

export class UserEmailTaken extends DaybookError {
  readonly code = 'user-email-taken';
  override readonly path = 'email';
  override readonly message = 'Another user has this email address';
}

/** `REGISTRATION` does not admit this role. */
export class RegistrationOff extends DaybookError {
  readonly code = 'registration-off';
  constructor(admitted: 'customers' | 'off') {
    super(admitted === 'off' ? 'Registration is off' : 'Only customers can register here');
  }
}

/** The refresh token is unknown, expired or used, or its session has ended. */
export class RefreshRefused extends DaybookError {
  readonly code = 'refresh-refused';
  /** A reused token has ended its session. */
  override readonly hadEffect: boolean;
  constructor(isReused: boolean) {
    super(
      isReused
        ? 'The refresh token was used before, so its session has ended; log in again'
        : 'The refresh token is unknown or has expired, or its session has ended; log in again',
    );
    this.hadEffect = isReused;
  }
}

/** The token of a password reset is unknown, expired or used. */
export class ResetRefused extends DaybookError {
  readonly code = 'reset-refused';
  override readonly path = 'token';
  override readonly message = 'The token is unknown, used or expired; request a new one';
}

/** Neither a session nor a refresh token says which session to end. */
export class NotLoggedIn extends DaybookError {
  readonly code = 'unauthenticated';
  override readonly message = 'Send an access token or a refresh token of the session';
}
