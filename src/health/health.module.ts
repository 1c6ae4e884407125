import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { WorkerStore } from './worker.store.js';

/** Liveness and readiness. */
@Module({
  controllers: [HealthController],
  providers: [HealthService, WorkerStore],
  exports: [HealthService],
})
export class HealthModule {}
