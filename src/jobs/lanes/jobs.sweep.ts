import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { Sweeper } from '../../platform/concurrency/sweeper.js';
import { TableAnalyzer } from '../../platform/database/table-analyzer.js';
import { hasExited } from '../../platform/concurrency/worker-id.js';
import { ReportGenerator } from '../report-generator.js';
import { SyncRunner } from '../sync/sync-runner.js';
import { Heartbeat } from '../workers/heartbeat.js';
import { WorkerLeasesStore } from '../workers/worker-leases.store.js';
import { JobsRunner } from './jobs.runner.js';
import { LaneReaper } from './reaping/lane-reaper.js';

/** Sync requests of crashed workers that one sweep adopts. */
const ADOPT_LIMIT = 4;

/**
 * Reports this worker as alive in every sweep, recovers the requests of crashed workers and of lost wake-ups, and reaps
 * unused lanes.
 */
@Injectable()
export class JobsSweep implements OnModuleInit, OnApplicationBootstrap {
  private readonly logger = new Logger(JobsSweep.name);

  constructor(
    private readonly sweeper: Sweeper,
    private readonly analyzer: TableAnalyzer,
    private readonly heartbeat: Heartbeat,
    private readonly leases: WorkerLeasesStore,
    private readonly runner: JobsRunner,
    private readonly syncRunner: SyncRunner,
    private readonly reports: ReportGenerator,
    private readonly laneReaper: LaneReaper,
  ) {}

  onModuleInit(): void {
    this.analyzer.watch('lanes', 'reaped_lanes');
    this.sweeper.add('recover', 'heartbeats', () => this.heartbeat.beat());
    this.sweeper.add('recover', 'crash reports', () => this.leases.clearCrashReports());
    this.sweeper.add('recover', 'leases of crashed workers', () => this.reapCrashedWorkers());
    this.sweeper.add('recover', 'lanes', async () => void this.runner.run());
    this.sweeper.add('recover', 'sync requests', () => this.syncRunner.adopt(ADOPT_LIMIT));
    this.sweeper.add('expire', 'unused lanes', () => this.laneReaper.reapSome());
  }

  onApplicationBootstrap(): void {
    this.reports.clearLeftovers().catch((error: unknown) => {
      this.logger.warn(`Leftover files were not removed: ${String(error)}`);
    });
  }

  private async reapCrashedWorkers(): Promise<void> {
    const crashed = (await this.leases.findOnThisHost()).filter((workerId) => hasExited(workerId));
    if (crashed.length > 0) await this.leases.expire(crashed);
  }
}
