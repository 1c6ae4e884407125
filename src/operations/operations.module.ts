import { Module } from '@nestjs/common';
import { DatabaseStateStore } from './database-state.store.js';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { MetricsController } from './metrics.controller.js';
import { ProcessMetrics } from './process-metrics.js';
import { JobsModule } from '../jobs/jobs.module.js';

/** Health and metrics. */
@Module({
  imports: [JobsModule],
  controllers: [HealthController, MetricsController],
  providers: [DatabaseStateStore, HealthService, ProcessMetrics],
  exports: [HealthService],
})
export class OperationsModule {}
