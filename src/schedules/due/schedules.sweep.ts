import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Sweeper } from '../../platform/concurrency/sweeper.js';
import { removeWithinTimeBudget } from '../../platform/concurrency/time-budget.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { TableAnalyzer } from '../../platform/database/table-analyzer.js';
import { DueSchedules } from './due-schedules.js';
import { DueSchedulesStore } from './due-schedules.store.js';

const BATCH = 1_000;
const BUDGET_MS = 500;

/** Looks for due schedules and deletes old runs in every sweep. */
@Injectable()
export class SchedulesSweep implements OnModuleInit {
  constructor(
    private readonly sweeper: Sweeper,
    private readonly analyzer: TableAnalyzer,
    private readonly due: DueSchedules,
    private readonly store: DueSchedulesStore,
    @Inject(CONFIG) private readonly config: Pick<Config, 'RETENTION'>,
  ) {}

  onModuleInit(): void {
    this.analyzer.watch('schedules', 'schedule_runs');
    // The sweep does not wait for them: the next one would be late.
    this.sweeper.add('work', 'schedules', async () => void this.due.run());
    this.sweeper.add('expire', 'old runs of schedules', () => this.removeSome());
  }

  private async removeSome(): Promise<void> {
    const { RETENTION } = this.config;
    if (RETENTION === null) return;
    await removeWithinTimeBudget(BUDGET_MS, BATCH, (limit) => this.store.removeRuns(RETENTION, limit));
  }
}
