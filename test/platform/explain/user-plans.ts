import { expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { PasswordResetRepository } from '../../../src/accounts/users/password-reset.repository.js';
import { RefreshTokenRepository } from '../../../src/accounts/users/sessions/refresh-token.repository.js';
import { Session } from '../../../src/accounts/users/sessions/session.entity.js';
import { SessionRepository } from '../../../src/accounts/users/sessions/session.repository.js';
import { User } from '../../../src/accounts/users/user.entity.js';
import { UserRepository } from '../../../src/accounts/users/user.repository.js';
import { idOf } from './books-rows.js';
import type { Explained } from './explained.js';
import { BUSY_USER, KEY, RESETS, SESSIONS, hashOf } from './user-rows.js';

const LIFE_MS = 60_000;
/** Some user, and one of its sessions. */
const USER = 40_000;
const SESSION = SESSIONS / 2;
const BATCH = 100;

/** Logging in, checking and refreshing sessions, resetting passwords. */
export function userPlans(explained: Explained): void {
  const users = () => new UserRepository(explained.dataSource.getRepository(User));
  const sessions = () => new SessionRepository(explained.dataSource.getRepository(Session));

  it('finding, adding and changing a user', () =>
    explained.expectCheap(async () => {
      expect(await users().findByEmail(`USER-${USER}@users.example`)).toMatchObject({ id: idOf(USER) });
      expect(await users().find(idOf(USER))).toMatchObject({ name: `User ${USER}` });
      await explained.database.transaction(async (query) => {
        const user = { id: uuidv7(), accountId: null, role: 'customer', name: 'A', email: 'a@new.example' } as const;
        await users().add(query, { ...user, passwordHash: 'new' });
        await users().changePassword(query, user.id, 'newer');
        expect(await users().replacePassword(query, user.id, 'newest', 'newer')).toBe(true);
        return false;
      });
    }, 100));

  it('starting and checking a session', () =>
    explained.expectCheap(async () => {
      const ids = [SESSION, SESSION + 1, SESSION + 2].map(idOf);
      expect(await sessions().findChecked(ids)).toHaveLength(3);
      await explained.database.transaction(async (query) => {
        const session = { id: uuidv7(), cookieHash: null, lifeMs: LIFE_MS };
        const owner = { userId: idOf(USER), passwordHash: hashOf(USER) };
        expect(await sessions().addOfUser(query, session, owner)).toEqual([]);
        await new RefreshTokenRepository().add(query, 'new', session.id, LIFE_MS);
        await sessions().end(query, session.id);
        return false;
      });
    }, 100));

  it('exchanging a refresh token', () =>
    explained.expectCheap(async () => {
      const tokens = new RefreshTokenRepository();
      await explained.database.transaction(async (query) => {
        expect(await tokens.use(query, hashOf(SESSION))).toBe(idOf(SESSION));
        expect(await tokens.find(query, hashOf(SESSION))).toEqual({ sessionId: idOf(SESSION), isUsed: true });
        expect(await sessions().extend(query, idOf(SESSION), LIFE_MS)).not.toBeNull();
        return false;
      });
    }, 100));

  it('requesting and using a reset of the password', () =>
    explained.expectCheap(async () => {
      const resets = new PasswordResetRepository();
      await explained.database.transaction(async (query) => {
        await resets.replace(query, idOf(USER), 'fresh', LIFE_MS);
        await resets.replace(query, idOf(RESETS), 'replaced', LIFE_MS);
        expect(await resets.isValid(query, hashOf(RESETS / 2))).toBe(true);
        expect(await resets.use(query, hashOf(RESETS / 2))).toBe(idOf(RESETS / 2));
        await resets.drop(query, idOf(RESETS));
        expect(await sessions().endOthers(query, idOf(USER), null)).not.toEqual([]);
        return false;
      });
    }, 200));

  it('ending the oldest sessions of a user or a key with too many', () =>
    explained.expectCheap(async () => {
      await explained.database.transaction(async (query) => {
        const session = { id: uuidv7(), cookieHash: 'new', lifeMs: LIFE_MS };
        await sessions().addOfKey(query, session, KEY);
        const owner = { userId: idOf(BUSY_USER), passwordHash: hashOf(BUSY_USER) };
        await sessions().addOfUser(query, { ...session, id: uuidv7() }, owner);
        return false;
      });
    }, 500));

  it('deleting expired sessions and refresh tokens', () =>
    explained.expectCheap(async () => {
      await explained.database.transaction(async (query) => {
        expect(await new RefreshTokenRepository().removeExpired(query, BATCH)).toBe(BATCH);
        expect(await sessions().removeExpired(query, BATCH)).toBe(BATCH);
        return false;
      });
    }));
}
