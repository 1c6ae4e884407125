import { Module } from '@nestjs/common';
import { JobsController } from './jobs.controller.js';
import { JobsModule } from './jobs.module.js';

/** `POST /api/sync` and `/api/async`. */
@Module({ imports: [JobsModule], controllers: [JobsController] })
export class JobsApiModule {}
