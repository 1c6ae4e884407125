import { Injectable } from '@nestjs/common';
import { Authenticator } from '../../authenticator.js';
import { KeyRefused } from '../users.errors.js';
import { UsersService } from '../users.service.js';
import type { KeySession, UserSession } from './session-authenticator.js';
import { SessionsService } from './sessions.service.js';

/** A new session of the dashboard, and its cookie. */
export interface SignedIn {
  cookie: string;
  session: UserSession | KeySession;
}

/** Starts sessions of the dashboard. */
@Injectable()
export class SignIn {
  constructor(
    private readonly keys: Authenticator,
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
  ) {}

  /** @throws KeyRefused */
  async byKey({ api_key }: { api_key: string }): Promise<SignedIn> {
    const key = await this.keys.check(api_key);
    if (typeof key === 'string') throw new KeyRefused();
    const { cookie, sessionId } = await this.sessions.startCookie(key.keyId);
    return { cookie, session: { sessionId, key } };
  }

  /** @throws LoginFailed, PasswordsBusy */
  async byPassword({ email, password }: { email: string; password: string }): Promise<SignedIn> {
    const user = await this.users.authenticate(email, password);
    const { cookie, sessionId } = await this.sessions.startCookie(user);
    const { id, role, name, accountId } = user;
    return { cookie, session: { sessionId, user: { id, role, name, email: user.email }, accountId } };
  }
}
