import { Module } from '@nestjs/common';
import { CallbackUrlModule } from '../callbacks/url-guard/callback-url.module.js';
import { ReportsModule } from '../reports/reports.module.js';
import { RequestsModule } from '../requests/requests.module.js';
import { HoldersStore } from './workers/holders.store.js';
import { JobsService } from './jobs.service.js';
import { JobsStore } from './lanes/jobs.store.js';
import { ReportMaker } from './report-maker.js';
import { SyncRunner } from './sync/sync-runner.js';
import { SyncStore } from './sync/sync.store.js';

/** Making what was asked for: what API and worker both need. */
@Module({
  imports: [RequestsModule, ReportsModule, CallbackUrlModule],
  providers: [JobsStore, SyncStore, HoldersStore, ReportMaker, SyncRunner, JobsService],
  exports: [JobsStore, HoldersStore, ReportMaker, SyncRunner, JobsService],
})
export class JobsModule {}
