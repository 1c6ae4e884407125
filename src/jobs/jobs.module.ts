import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CallbackUrlModule } from '../callbacks/url-guard/callback-url.module.js';
import { ReportsModule } from '../reports/reports.module.js';
import { RequestsModule } from '../requests/requests.module.js';
import { AcceptService } from './accept/accept.service.js';
import { AcceptStore } from './accept/accept.store.js';
import { Backlog } from './accept/backlog.service.js';
import { Heartbeat } from './workers/heartbeat.js';
import { Worker } from './workers/worker.entity.js';
import { WorkerRepository } from './workers/worker.repository.js';
import { WorkerLeasesStore } from './workers/worker-leases.store.js';
import { JobsService } from './jobs.service.js';
import { JobsStore } from './lanes/jobs.store.js';
import { LaneLeaseStore } from './lanes/lane-lease.store.js';
import { Lane } from './lanes/lane.entity.js';
import { ReportGenerator } from './report-generator.js';
import { SyncRunner } from './sync/sync-runner.js';
import { SyncStore } from './sync/sync.store.js';

/** Accepting and running requests: the providers that both API and worker need. */
@Module({
  imports: [TypeOrmModule.forFeature([Lane, Worker]), RequestsModule, ReportsModule, CallbackUrlModule],
  providers: [
    AcceptService,
    AcceptStore,
    Backlog,
    Heartbeat,
    WorkerRepository,
    JobsStore,
    LaneLeaseStore,
    SyncStore,
    WorkerLeasesStore,
    ReportGenerator,
    SyncRunner,
    JobsService,
  ],
  exports: [
    TypeOrmModule,
    Backlog,
    Heartbeat,
    JobsStore,
    LaneLeaseStore,
    WorkerLeasesStore,
    ReportGenerator,
    SyncRunner,
    JobsService,
  ],
})
export class JobsModule {}
