import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { PasswordResetRepository } from './password-reset.repository.js';
import { PasswordHasher } from './passwords/password-hasher.js';
import { ResetMail } from './reset-mail.js';
import { SessionRepository } from './sessions/session.repository.js';
import { SessionsService } from './sessions/sessions.service.js';
import { randomToken, tokenHash } from './tokens/random-token.js';
import { UserRepository } from './user.repository.js';
import { ResetRefused } from './users.errors.js';

/** Validity of a reset token. */
const LIFE_MS = 30 * 60_000;
/** Every request takes this time, which exceeds that of its statements, so that the time does not reveal which addresses are known. */
const ANSWER_AFTER_MS = 250;

/** Resets passwords by mail. */
@Injectable()
export class PasswordResetsService {
  constructor(
    private readonly database: Database,
    private readonly users: UserRepository,
    private readonly resets: PasswordResetRepository,
    private readonly sessionRows: SessionRepository,
    private readonly sessions: SessionsService,
    private readonly hasher: PasswordHasher,
    private readonly mail: ResetMail,
  ) {}

  /** Sends a token to an address, if it is that of a user. Earlier tokens become void. */
  async request(email: string): Promise<void> {
    await Promise.all([this.send(email), sleep(ANSWER_AFTER_MS)]);
  }

  /**
   * Sets a new password and ends every session of the user.
   * @returns The id of the user.
   * @throws ResetRefused, PasswordsBusy
   */
  async confirm(token: string, password: string): Promise<string> {
    const hash = tokenHash(token);
    // Guessed tokens cost no hash.
    if (!(await this.resets.isValid(this.database.query, hash))) throw new ResetRefused();
    const passwordHash = await this.hasher.hash(password);
    const used = await this.database.inTransaction(async (query) => {
      const userId = await this.resets.use(query, hash);
      if (userId === null) return null;
      await this.users.changePassword(query, userId, passwordHash);
      return { userId, ended: await this.sessionRows.endOthers(query, userId, null) };
    });
    if (!used) throw new ResetRefused();
    this.sessions.forget(used.ended);
    return used.userId;
  }

  private async send(email: string): Promise<void> {
    const user = await this.users.findByEmail(email);
    if (!user) return;
    const { text: token, hash } = randomToken('dbp_');
    await this.database.inTransaction(async (query) => {
      const expiresAt = await this.resets.replace(query, user.id, hash, LIFE_MS);
      const { accountId, name } = user;
      await this.mail.add(query, { accountId, to: user.email, name, token, expiresAt });
    });
    this.mail.wake();
  }
}
