import { Module } from '@nestjs/common';
import { JobsController } from './jobs.controller.js';
import { JobsModule } from './jobs.module.js';
import { LanesController } from './lanes/lanes.controller.js';
import { LanesService } from './lanes/lanes.service.js';
import { LanesStore } from './lanes/lanes.store.js';

/** Asking for reports, and the lanes in which they wait. */
@Module({
  imports: [JobsModule],
  controllers: [JobsController, LanesController],
  providers: [LanesStore, LanesService],
})
export class JobsApiModule {}
