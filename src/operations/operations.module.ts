import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { MetricsController } from './metrics.controller.js';
import { ProcessMetrics } from './process-metrics.js';
import { WorkerStore } from '../jobs/workers/worker.store.js';

/** Liveness, readiness, metrics. */
@Module({
  controllers: [HealthController, MetricsController],
  providers: [HealthService, ProcessMetrics, WorkerStore],
  exports: [HealthService],
})
export class HealthModule {}
