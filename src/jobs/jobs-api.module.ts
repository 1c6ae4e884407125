import { Module } from '@nestjs/common';
import { JobsController } from './jobs.controller.js';
import { JobsModule } from './jobs.module.js';
import { LanesController } from './lanes/lanes.controller.js';
import { LanesService } from './lanes/lanes.service.js';
import { LaneRepository } from './lanes/lane.repository.js';

/** The endpoints that accept requests and show lanes. */
@Module({
  imports: [JobsModule],
  controllers: [JobsController, LanesController],
  providers: [LaneRepository, LanesService],
})
export class JobsApiModule {}
