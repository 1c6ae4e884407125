import { Module } from '@nestjs/common';
import { DemoReceiverModule } from './callbacks/demo-receiver.module.js';
import { HealthModule } from './health/health.module.js';
import { HttpEdgeModule } from './http/http-edge.module.js';
import { JobsApiModule } from './jobs/jobs-api.module.js';
import { ReportsApiModule } from './reports/reports-api.module.js';
import { RequestsApiModule } from './requests/requests-api.module.js';

/** Everything that answers HTTP. */
@Module({
  imports: [HttpEdgeModule, JobsApiModule, RequestsApiModule, ReportsApiModule, DemoReceiverModule, HealthModule],
})
export class ApiModule {}
