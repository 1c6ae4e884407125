import { Module } from '@nestjs/common';
import { CallbackUrlModule } from '../callbacks/url-guard/callback-url.module.js';
import { ReportsModule } from '../reports/reports.module.js';
import { RequestsModule } from '../requests/requests.module.js';
import { AcceptService } from './accept/accept.service.js';
import { AcceptStore } from './accept/accept.store.js';
import { Backlog } from './accept/backlog.service.js';
import { Heartbeat } from './workers/heartbeat.js';
import { WorkerStore } from './workers/worker.store.js';
import { WorkerLeasesStore } from './workers/worker-leases.store.js';
import { JobsService } from './jobs.service.js';
import { JobsStore } from './lanes/jobs.store.js';
import { ReportGenerator } from './report-generator.js';
import { SyncRunner } from './sync/sync-runner.js';
import { SyncStore } from './sync/sync.store.js';

/** Making what was asked for: what API and worker both need. */
@Module({
  imports: [RequestsModule, ReportsModule, CallbackUrlModule],
  providers: [
    AcceptService,
    AcceptStore,
    Backlog,
    Heartbeat,
    WorkerStore,
    JobsStore,
    SyncStore,
    WorkerLeasesStore,
    ReportGenerator,
    SyncRunner,
    JobsService,
  ],
  exports: [Backlog, Heartbeat, JobsStore, WorkerLeasesStore, ReportGenerator, SyncRunner, JobsService],
})
export class JobsModule {}
