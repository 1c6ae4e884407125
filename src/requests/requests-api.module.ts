import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccountsModule } from '../accounts/accounts.module.js';
import { ActionsController } from './actions/actions.controller.js';
import { ActionsService } from './actions/actions.service.js';
import { RequestJobsRepository } from './board/request-jobs.repository.js';
import { RequestJobs } from './board/request-jobs.service.js';
import { LiveController } from './live/live.controller.js';
import { LiveReads } from './live/live-reads.js';
import { LiveService } from './live/live.service.js';
import { OpenStreams } from './live/open-streams.js';
import { RequestRecord } from './request.entity.js';
import { RequestsController } from './requests.controller.js';
import { RequestsModule } from './requests.module.js';

/** The request log and the action log over HTTP. Separate from `RequestsModule`, because a worker has no API. */
@Module({
  imports: [RequestsModule, AccountsModule, TypeOrmModule.forFeature([RequestRecord])],
  controllers: [RequestsController, LiveController, ActionsController],
  providers: [ActionsService, RequestJobsRepository, RequestJobs, LiveService, LiveReads, OpenStreams],
  exports: [RequestJobs],
})
export class RequestsApiModule {}
