import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Sweeper } from '../../platform/concurrency/sweeper.js';
import { removeWithinTimeBudget } from '../../platform/concurrency/time-budget.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { TableAnalyzer } from '../../platform/database/table-analyzer.js';
import { ImportsStore } from './imports.store.js';

/** An import has up to 10,000 errors, which are deleted with it. */
const BATCH = 10;
const BUDGET_MS = 500;

/** Adds the deletion of old imports to every sweep, and the tables that an import fills to those that are analyzed. */
@Injectable()
export class ImportsSweep implements OnModuleInit {
  constructor(
    private readonly sweeper: Sweeper,
    private readonly analyzer: TableAnalyzer,
    private readonly imports: ImportsStore,
    @Inject(CONFIG) private readonly config: Pick<Config, 'RETENTION'>,
  ) {}

  onModuleInit(): void {
    this.analyzer.watch('customers', 'customer_totals', 'orders', 'order_items');
    this.sweeper.add('expire', 'old imports', () => this.removeSome());
  }

  private async removeSome(): Promise<void> {
    const { RETENTION } = this.config;
    if (RETENTION === null) return;
    await removeWithinTimeBudget(BUDGET_MS, BATCH, (limit) => this.imports.removeExpired(RETENTION, limit));
  }
}
