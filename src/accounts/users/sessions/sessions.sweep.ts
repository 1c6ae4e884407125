import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Sweeper } from '../../../platform/concurrency/sweeper.js';
import { removeWithinTimeBudget } from '../../../platform/concurrency/time-budget.js';
import { Database } from '../../../platform/database/database.js';
import { RefreshTokenRepository } from './refresh-token.repository.js';
import { SessionRepository } from './session.repository.js';

const BATCH = 1_000;
const BUDGET_MS = 200;

/** Adds the deletion of expired sessions and refresh tokens to the sweep of every worker. */
@Injectable()
export class SessionsSweep implements OnModuleInit {
  constructor(
    private readonly sweeper: Sweeper,
    private readonly database: Database,
    private readonly sessions: SessionRepository,
    private readonly refreshTokens: RefreshTokenRepository,
  ) {}

  onModuleInit(): void {
    const { query } = this.database;
    this.sweeper.add('expire', 'old sessions', () =>
      removeWithinTimeBudget(BUDGET_MS, BATCH, (limit) => this.sessions.removeExpired(query, limit)),
    );
    this.sweeper.add('expire', 'old refresh tokens', () =>
      removeWithinTimeBudget(BUDGET_MS, BATCH, (limit) => this.refreshTokens.removeExpired(query, limit)),
    );
  }
}
