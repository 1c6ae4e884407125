import { Module, type OnModuleInit } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { JobsModule } from '../jobs/jobs.module.js';
import { Metrics } from '../platform/observability/metrics.js';
import { DueSchedulesStore } from './due/due-schedules.store.js';
import { ScheduleRun } from './schedule-run.entity.js';
import { Schedule } from './schedule.entity.js';
import { ScheduledReports } from './scheduled-report.js';

/** What API and workers share: the due times and the requests of schedules. */
@Module({
  imports: [TypeOrmModule.forFeature([Schedule, ScheduleRun]), JobsModule],
  providers: [DueSchedulesStore, { provide: ScheduledReports, useFactory: () => new ScheduledReports() }],
  exports: [TypeOrmModule, JobsModule, DueSchedulesStore, ScheduledReports],
})
export class SchedulesModule implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly store: DueSchedulesStore,
  ) {}

  onModuleInit(): void {
    const lag = (): Promise<number | null> => this.store.lagS().catch(() => null);
    this.metrics.gauge(
      'daybook_schedule_lag_seconds',
      'Age of the oldest due time of a schedule that is not accepted',
      lag,
    );
  }
}
