import { Module } from '@nestjs/common';
import { RedeliveriesModule } from '../callbacks/redelivery/redeliveries.module.js';
import { RequestsModule } from '../requests/requests.module.js';
import { BulkController } from './bulk/bulk.controller.js';
import { BulkService } from './bulk/bulk.service.js';
import { JobsController } from './jobs.controller.js';
import { JobsModule } from './jobs.module.js';
import { LanesController } from './lanes/lanes.controller.js';
import { LanesService } from './lanes/lanes.service.js';
import { LaneRepository } from './lanes/lane.repository.js';

/** The endpoints that accept requests, change them and show lanes. */
@Module({
  imports: [JobsModule, RequestsModule, RedeliveriesModule],
  controllers: [JobsController, BulkController, LanesController],
  providers: [LaneRepository, LanesService, BulkService],
})
export class JobsApiModule {}
