import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Sweeper } from '../../platform/concurrency/sweeper.js';
import { removeWithinTimeBudget } from '../../platform/concurrency/time-budget.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { TableAnalyzer } from '../../platform/database/table-analyzer.js';
import { MailRetentionStore } from '../messages/mail-retention.store.js';
import { MailDispatcher } from './mail.dispatcher.js';

const BATCH = 1_000;
const BUDGET_MS = 500;

/** Looks for due mail and deletes old mail in every sweep. */
@Injectable()
export class MailSweep implements OnModuleInit {
  constructor(
    private readonly sweeper: Sweeper,
    private readonly analyzer: TableAnalyzer,
    private readonly dispatcher: MailDispatcher,
    private readonly retention: MailRetentionStore,
    @Inject(CONFIG) private readonly config: Pick<Config, 'RETENTION'>,
  ) {}

  onModuleInit(): void {
    this.analyzer.watch('mail_messages', 'mail_attempts', 'mail_fan_outs');
    this.sweeper.add('work', 'mail', () => this.dispatcher.sweep());
    this.sweeper.add('expire', 'old mail', () => this.removeSome());
  }

  private async removeSome(): Promise<void> {
    const { RETENTION } = this.config;
    if (RETENTION === null) return;
    await removeWithinTimeBudget(BUDGET_MS, BATCH, (limit) => this.retention.removeMessages(RETENTION, limit));
    await removeWithinTimeBudget(BUDGET_MS, BATCH, (limit) => this.retention.removeFanOuts(RETENTION, limit));
  }
}
