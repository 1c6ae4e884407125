import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CallbackUrlModule } from '../callbacks/url-guard/callback-url.module.js';
import { ReportsModule } from '../reports/reports.module.js';
import { RequestsModule } from '../requests/requests.module.js';
import { AcceptService } from './accept/accept.service.js';
import { AcceptStore } from './accept/accept.store.js';
import { Backlog } from './accept/backlog.service.js';
import { BacklogStore } from './accept/backlog.store.js';
import { Heartbeat } from './workers/heartbeat.js';
import { Worker } from './workers/worker.entity.js';
import { WorkerRepository } from './workers/worker.repository.js';
import { WorkerLeasesStore } from './workers/worker-leases.store.js';
import { AsyncService } from './accept/async.service.js';
import { NewRequests } from './accept/new-requests.js';
import { CancelService } from './lanes/cancel.service.js';
import { SyncService } from './sync/sync.service.js';
import { JobsStore } from './lanes/jobs.store.js';
import { LaneLeaseStore } from './lanes/lane-lease.store.js';
import { LaneReaper } from './lanes/reaping/lane-reaper.js';
import { LaneReaperStore } from './lanes/reaping/lane-reaper.store.js';
import { Lane } from './lanes/lane.entity.js';
import { CancellationsStore } from './cancellations.store.js';
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
    BacklogStore,
    CancellationsStore,
    Heartbeat,
    WorkerRepository,
    JobsStore,
    LaneLeaseStore,
    LaneReaper,
    LaneReaperStore,
    SyncStore,
    WorkerLeasesStore,
    ReportGenerator,
    SyncRunner,
    NewRequests,
    AsyncService,
    SyncService,
    CancelService,
  ],
  exports: [
    TypeOrmModule,
    LaneReaper,
    Backlog,
    Heartbeat,
    LaneLeaseStore,
    JobsStore,
    WorkerLeasesStore,
    ReportGenerator,
    SyncRunner,
    AsyncService,
    SyncService,
    CancelService,
  ],
})
export class JobsModule {}
