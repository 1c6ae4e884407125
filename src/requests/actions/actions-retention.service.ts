import { Inject, Injectable } from '@nestjs/common';
import { removeWithinTimeBudget } from '../../platform/concurrency/time-budget.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { ActionRepository } from './action.repository.js';

const BATCH = 1_000;
const BUDGET_MS = 500;

/** Deletes actions by age. */
@Injectable()
export class ActionsRetention {
  constructor(
    @Inject(ActionRepository) private readonly actions: Pick<ActionRepository, 'removeExpired'>,
    @Inject(CONFIG) private readonly config: Pick<Config, 'ACTION_RETENTION'>,
  ) {}

  /** Deletes expired actions for up to half a second. The sweep of every worker calls it. */
  async removeSome(): Promise<void> {
    const { ACTION_RETENTION } = this.config;
    if (ACTION_RETENTION === null) return;
    await removeWithinTimeBudget(BUDGET_MS, BATCH, (limit) => this.actions.removeExpired(ACTION_RETENTION, limit));
  }
}
