import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Database } from '../../platform/database/database.js';
import { newId } from '../../platform/ids.js';
import { NewAccounts } from '../new-accounts.js';
import { PasswordResetRepository } from './password-reset.repository.js';
import { PasswordHasher } from './passwords/password-hasher.js';
import { SessionRepository } from './sessions/session.repository.js';
import { SessionsService, type TokenPair } from './sessions/sessions.service.js';
import type { User } from './user.entity.js';
import { UserRepository } from './user.repository.js';
import { LoginFailed, RefreshRefused, RegistrationOff, WrongPassword } from './users.errors.js';
import type { RegisterBody } from './users.schema.js';

export type KnownUser = Pick<User, 'id' | 'accountId' | 'role' | 'name' | 'email'>;

/** A user and the tokens of a session. */
export interface Login {
  user: KnownUser;
  tokens: TokenPair;
}

/** Registers users, logs them in and changes their passwords. Methods that hash throw PasswordsBusy. */
@Injectable()
export class UsersService {
  constructor(
    private readonly database: Database,
    private readonly users: UserRepository,
    private readonly resets: PasswordResetRepository,
    private readonly sessionRows: SessionRepository,
    private readonly sessions: SessionsService,
    private readonly hasher: PasswordHasher,
    private readonly newAccounts: NewAccounts,
    @Inject(CONFIG) private readonly config: Pick<Config, 'AUTH' | 'REGISTRATION'>,
  ) {}

  /**
   * Adds a user and logs it in. An organizer gets an account of its own, except with `AUTH=open`, where all callers share the
   * data.
   * @throws RegistrationOff, UserEmailTaken
   */
  async register({ password, ...wanted }: RegisterBody): Promise<Login> {
    const { AUTH, REGISTRATION } = this.config;
    if (REGISTRATION === 'off' || (REGISTRATION === 'customers' && wanted.role !== 'customer'))
      throw new RegistrationOff(REGISTRATION);
    const accountId = wanted.role === 'organizer' && AUTH === 'required' ? newId() : null;
    const user = { ...wanted, id: newId(), accountId, passwordHash: await this.hasher.hash(password) };
    await this.database.inTransaction((query) => this.users.add(query, user));
    if (accountId !== null) await this.newAccounts.prepare(accountId);
    return { user, tokens: await this.sessions.start(user) };
  }

  /** @throws LoginFailed */
  async login(email: string, password: string): Promise<Login> {
    const user = await this.authenticate(email, password);
    return { user, tokens: await this.sessions.start(user) };
  }

  /**
   * Checks a password. An unknown address takes as long as a wrong password.
   * @throws LoginFailed
   */
  async authenticate(email: string, password: string): Promise<User> {
    const user = await this.users.findByEmail(email);
    if (!(await this.hasher.verify(user?.passwordHash ?? null, password)) || !user) throw new LoginFailed();
    return user;
  }

  /** @throws RefreshRefused */
  async refresh(refreshToken: string): Promise<Login> {
    const tokens = await this.sessions.refresh(refreshToken);
    const user = await this.users.find(tokens.userId);
    if (!user) throw new RefreshRefused(false);
    return { user, tokens };
  }

  /**
   * Changes the password of a signed-in user. Ends its other sessions and a pending reset.
   * @param sessionId The session that stays.
   * @returns The number of sessions that were ended.
   * @throws WrongPassword
   */
  async changePassword(userId: string, sessionId: string, current: string, next: string): Promise<number> {
    const user = await this.users.find(userId);
    if (!user || !(await this.hasher.verify(user.passwordHash, current))) throw new WrongPassword();
    const passwordHash = await this.hasher.hash(next);
    const ended = await this.database.inTransaction(async (query) => {
      if (!(await this.users.replacePassword(query, userId, passwordHash, user.passwordHash))) return null;
      await this.resets.drop(query, userId);
      return this.sessionRows.endOthers(query, userId, sessionId);
    });
    // Another request has changed the password since it was checked.
    if (ended === null) throw new WrongPassword();
    this.sessions.forget(ended);
    return ended.length;
  }
}
