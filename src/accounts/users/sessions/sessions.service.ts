import { Injectable } from '@nestjs/common';
import { Database, type Query } from '../../../platform/database/database.js';
import { newId } from '../../../platform/ids.js';
import { AccessTokens } from '../tokens/access-tokens.js';
import { randomToken, tokenHash } from '../tokens/random-token.js';
import { LoginFailed, RefreshRefused } from '../users.errors.js';
import type { User } from '../user.entity.js';
import { RefreshTokenRepository } from './refresh-token.repository.js';
import { SessionAuthenticator } from './session-authenticator.js';
import { COOKIE_LIFE_MS, newCookie } from './session-cookie.js';
import { type NewSession, SessionRepository } from './session.repository.js';

/** The life of a refresh token, and of a session that is not refreshed: 30 days. */
const REFRESH_LIFE_MS = 30 * 86_400_000;

/** A user, and the hash of the password that was checked. */
export type CheckedUser = Pick<User, 'id' | 'passwordHash'>;

/** A new session of tokens, or one that was refreshed. */
export interface TokenPair {
  sessionId: string;
  token: string;
  refreshToken: string;
}

/** Starts, refreshes and ends sessions. docs/state-machines.md has their states. */
@Injectable()
export class SessionsService {
  constructor(
    private readonly database: Database,
    private readonly sessions: SessionRepository,
    private readonly refreshTokens: RefreshTokenRepository,
    private readonly authenticator: SessionAuthenticator,
    private readonly tokens: AccessTokens,
  ) {}

  /** Starts a session of tokens. @throws LoginFailed when the password was changed since it was checked. */
  async start(user: CheckedUser): Promise<TokenPair> {
    const sessionId = newId();
    const refresh = randomToken('dbr_');
    // Signed first, because it may read the secret.
    const token = await this.tokens.sign({ userId: user.id, sessionId });
    await this.open(async (query) => {
      const ended = await this.addOf(query, user, { id: sessionId, cookieHash: null, lifeMs: REFRESH_LIFE_MS });
      await this.refreshTokens.add(query, refresh.hash, sessionId, REFRESH_LIFE_MS);
      return ended;
    });
    return { sessionId, token, refreshToken: refresh.text };
  }

  /**
   * Starts a session of the dashboard.
   * @param owner A user, or the id of an API key.
   * @returns The value of its cookie.
   * @throws LoginFailed when the password was changed since it was checked.
   */
  async startCookie(owner: CheckedUser | string): Promise<{ sessionId: string; cookie: string }> {
    const sessionId = newId();
    const { text, hash } = newCookie(sessionId);
    const session = { id: sessionId, cookieHash: hash, lifeMs: COOKIE_LIFE_MS };
    await this.open((query) =>
      typeof owner === 'string' ? this.sessions.addOfKey(query, session, owner) : this.addOf(query, owner, session),
    );
    return { sessionId, cookie: text };
  }

  /**
   * Exchanges a refresh token for new tokens of its session. A token that is used twice may have been stolen, and the
   * second use may be that of the thief or of the user, so it ends the session (RFC 9700, section 4.14.2).
   * @throws RefreshRefused
   */
  async refresh(refreshToken: string): Promise<TokenPair & { userId: string }> {
    const fresh = randomToken('dbr_');
    const result = await this.database.inTransaction((query) => this.rotate(query, refreshToken, fresh.hash));
    if (typeof result === 'string') throw new RefreshRefused(false);
    if ('endedId' in result) {
      this.authenticator.end([result.endedId]);
      throw new RefreshRefused(true);
    }
    return { ...result, token: await this.tokens.sign(result), refreshToken: fresh.text };
  }

  /** Ends a session and its tokens. */
  async end(sessionId: string): Promise<void> {
    await this.sessions.end(this.database.query, sessionId);
    this.authenticator.end([sessionId]);
  }

  /** @returns The session of a refresh token that is valid or was used; null for any other. */
  async ofRefreshToken(refreshToken: string): Promise<string | null> {
    return (await this.refreshTokens.find(this.database.query, tokenHash(refreshToken)))?.sessionId ?? null;
  }

  /** Refuses, from now on and in this process, sessions that a transaction has ended. */
  forget(sessionIds: readonly string[]): void {
    this.authenticator.end(sessionIds);
  }

  private async open(add: (query: Query) => Promise<string[]>): Promise<void> {
    this.authenticator.end(await this.database.inTransaction(add));
  }

  private async addOf(query: Query, { id, passwordHash }: CheckedUser, session: NewSession): Promise<string[]> {
    const ended = await this.sessions.addOfUser(query, session, { userId: id, passwordHash });
    if (!ended) throw new LoginFailed();
    return ended;
  }

  /** Returns its failures, because an error would roll back the end of a session. */
  private async rotate(
    query: Query,
    refreshToken: string,
    freshHash: string,
  ): Promise<{ sessionId: string; userId: string } | { endedId: string } | 'unknown'> {
    const hash = tokenHash(refreshToken);
    const sessionId = await this.refreshTokens.use(query, hash);
    if (sessionId === null) {
      const known = await this.refreshTokens.find(query, hash);
      if (!known?.isUsed) return 'unknown';
      await this.sessions.end(query, known.sessionId);
      return { endedId: known.sessionId };
    }
    const userId = await this.sessions.extend(query, sessionId, REFRESH_LIFE_MS);
    if (userId === null) return 'unknown';
    await this.refreshTokens.add(query, freshHash, sessionId, REFRESH_LIFE_MS);
    return { sessionId, userId };
  }
}
