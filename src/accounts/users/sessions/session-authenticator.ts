import { Injectable, Logger } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import type { SignedInUser } from '../../../http/caller.js';
import { logOnce } from '../../../platform/observability/log-once.js';
import type { AccountId } from '../../../platform/tenant.js';
import { isSecretOf } from '../../api-key.js';
import { type AuthenticatedKey, Authenticator } from '../../authenticator.js';
import { FreshLookups } from '../../fresh-lookups.js';
import { AccessTokens } from '../tokens/access-tokens.js';
import { parseCookie } from './session-cookie.js';
import { type CheckedSession, SessionRepository } from './session.repository.js';

/** A user with a live session. `accountId` is null for customers and for organizers without an account. */
export interface UserSession {
  sessionId: string;
  user: SignedInUser;
  accountId: AccountId;
}

/** An API key with a live session of the dashboard. */
export interface KeySession {
  sessionId: string;
  key: AuthenticatedKey;
}

/** Why a token or a cookie is refused. */
export type SessionRefusal = 'invalid' | 'expired' | 'ended';

type CachedSession = CheckedSession & { expiresAtMs: number };

/**
 * Authenticates access tokens and cookies. Both name a session, which must be live. So a logout also ends the access tokens of
 * its session: at once in this process, within 5 s in others.
 */
@Injectable()
export class SessionAuthenticator {
  private readonly onError = logOnce(new Logger(SessionAuthenticator.name), 'Sessions cannot be refreshed');
  private readonly lookups: FreshLookups<CheckedSession, CachedSession>;

  constructor(
    sessions: SessionRepository,
    private readonly keys: Authenticator,
    private readonly tokens: AccessTokens,
  ) {
    const withEnd = (session: CheckedSession, readAtMs: number): CachedSession => {
      return { ...session, expiresAtMs: readAtMs + session.expiresInMs };
    };
    this.lookups = new FreshLookups(
      (ids) => sessions.findChecked(ids),
      withEnd,
      this.onError,
      () => performance.now(),
    );
  }

  /** @throws DatabaseUnavailable */
  async checkToken(token: string): Promise<UserSession | SessionRefusal> {
    const claims = await this.tokens.check(token);
    if (typeof claims === 'string') return claims;
    const session = await this.live(claims.sessionId);
    return session && session.userId === claims.userId ? userSession(session) : 'ended';
  }

  /** @param value Of the cookie. @throws DatabaseUnavailable */
  async checkCookie(value: string): Promise<UserSession | KeySession | SessionRefusal> {
    const cookie = parseCookie(value);
    if (!cookie) return 'invalid';
    const session = await this.live(cookie.sessionId);
    // The session of an access token has no cookie.
    if (!session?.cookieHash || !isSecretOf(session.cookieHash, value)) return 'ended';
    if (session.apiKeyId === null) return userSession(session);
    const key = await this.keys.checkId(session.apiKeyId);
    return typeof key === 'string' ? 'ended' : { sessionId: session.id, key };
  }

  /** Refuses ended sessions from now on, in this process. */
  end(sessionIds: readonly string[]): void {
    for (const id of sessionIds) this.lookups.end(id);
  }

  private async live(id: string): Promise<CachedSession | null> {
    const session = isUuid(id) ? await this.lookups.find(id) : null;
    return session && session.expiresAtMs > performance.now() ? session : null;
  }
}

function userSession({ id, userId, role, name, email, accountId }: CachedSession & { userId: string }): UserSession {
  return { sessionId: id, user: { id: userId, role, name, email }, accountId };
}
