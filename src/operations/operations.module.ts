import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { MetricsController } from './metrics.controller.js';
import { ProcessMetrics } from './process-metrics.js';
import { JobsModule } from '../jobs/jobs.module.js';

/** Health and metrics. */
@Module({
  imports: [JobsModule],
  controllers: [HealthController, MetricsController],
  providers: [HealthService, ProcessMetrics],
  exports: [HealthService],
})
export class OperationsModule {}
