import { Module } from '@nestjs/common';
import { DatabaseStateStore } from './database-state.store.js';
import { HealthController } from './health.controller.js';
import { HealthReports } from './health-report.service.js';
import { HealthService } from './health.service.js';
import { MetricsController } from './metrics.controller.js';
import { ProcessLoad } from './process-load.js';
import { ProcessMetrics } from './process-metrics.js';
import { MailStateModule } from '../mail/mail-state.module.js';
import { JobsModule } from '../jobs/jobs.module.js';

/** Health and metrics. */
@Module({
  imports: [JobsModule, MailStateModule],
  controllers: [HealthController, MetricsController],
  providers: [DatabaseStateStore, HealthReports, HealthService, ProcessLoad, ProcessMetrics],
  exports: [HealthService],
})
export class OperationsModule {}
