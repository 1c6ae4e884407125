import { Inject, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { ApiKeysService } from '../../accounts/api-keys.service.js';
import { type Refusal, Authenticator } from '../../accounts/authenticator.js';
import { CallerFactory } from '../../accounts/users/caller-factory.js';
import { type SessionRefusal, SessionAuthenticator } from '../../accounts/users/sessions/session-authenticator.js';
import { cookieOf } from '../../accounts/users/sessions/session-cookie.js';
import { isAccessToken } from '../../accounts/users/tokens/access-tokens.js';
import type { Caller } from '../../http/caller.js';
import { type Scope, allows } from '../../http/scopes.js';
import { CONFIG, type Config } from '../../platform/config/config.js';

export const REALM = 'Bearer realm="daybook"';
/** The account on whose behalf an admin key acts. */
const ACCOUNT_HEADER = 'Daybook-Account';
const BEARER = /^bearer +([^ ]+) *$/i;

const KEY_REFUSALS: Record<Refusal, string> = {
  malformed: 'The token is malformed; send an API key (dbk_<id>_<secret>) or the access token of a user',
  unknown: 'The API key is unknown',
  revoked: 'The API key was revoked',
  expired: 'The API key has expired',
};
const TOKEN_REFUSALS: Record<SessionRefusal, string> = {
  invalid: 'The access token is invalid',
  expired: 'The access token has expired; refresh it',
  ended: 'The session of the access token has ended; log in again',
};
const COOKIE_REFUSED = 'The session has ended; log in again';

/** The caller of valid credentials, or the reason of their refusal. Null without credentials. */
export type Checked = { caller: Caller; scopes: readonly Scope[] } | { refusal: string } | null;

/**
 * Checks the credentials of a request: an API key or a user's access token in `Authorization`, else the cookie of a session.
 * Handlers do not see which of them it was. Access tokens and cookies belong to sessions, API keys do not.
 */
@Injectable()
export class Credentials {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly sessions: SessionAuthenticator,
    private readonly callers: CallerFactory,
    private readonly keys: ApiKeysService,
    @Inject(CONFIG) private readonly config: Pick<Config, 'AUTH'>,
  ) {}

  /** Whether a request with `AUTH=open` names a user or a session. API keys are ignored there. */
  hasSession({ headers }: Request): boolean {
    const given = headers.authorization;
    return given === undefined ? headers.cookie !== undefined : isAccessToken(BEARER.exec(given)?.[1] ?? '');
  }

  /** @throws DatabaseUnavailable; AccountNotFound for an admin key that names an unknown account. */
  check(request: Request): Promise<Checked> {
    const given = request.headers.authorization;
    if (given === undefined) return this.checkCookie(request);
    if (!/^bearer\b/i.test(given)) return Promise.resolve(null);
    const token = BEARER.exec(given)?.[1] ?? '';
    return isAccessToken(token) ? this.checkToken(request, token) : this.checkKey(request, token);
  }

  private async checkToken(request: Request, token: string): Promise<Checked> {
    const session = await this.sessions.checkToken(token);
    return typeof session === 'string'
      ? { refusal: TOKEN_REFUSALS[session] }
      : known(this.callers.ofSession(request, session));
  }

  private async checkCookie(request: Request): Promise<Checked> {
    const value = cookieOf(request);
    if (value === undefined) return null;
    const session = await this.sessions.checkCookie(value);
    if (typeof session === 'string') return { refusal: COOKIE_REFUSED };
    const { caller, scopes } = known(this.callers.ofSession(request, session));
    return 'key' in session ? this.actingFor(request, caller, session.key.scopes) : { caller, scopes };
  }

  private async checkKey(request: Request, text: string): Promise<Checked> {
    if (this.config.AUTH === 'open') return null;
    const key = await this.authenticator.check(text);
    return typeof key === 'string'
      ? { refusal: KEY_REFUSALS[key] }
      : this.actingFor(request, this.callers.ofKey(request, key), key.scopes);
  }

  /** An admin key may act for an account. The guard requires the scope `admin` of every caller that names one. */
  private async actingFor(request: Request, caller: Caller, scopes: readonly Scope[]): Promise<Checked> {
    const account = actsFor(request);
    if (account === undefined || this.config.AUTH === 'open' || !allows(scopes, 'admin')) return { caller, scopes };
    const actor = { ...caller.actor, kind: 'operator' as const };
    return { caller: { ...caller, account: await this.keys.findAccount(account), actor }, scopes };
  }
}

/** The account that a request names in `Daybook-Account`. */
export const actsFor = (request: Request): string | undefined => request.header(ACCOUNT_HEADER);

const known = (caller: Caller): { caller: Caller; scopes: readonly Scope[] } => ({
  caller,
  scopes: caller.scopes ?? [],
});
