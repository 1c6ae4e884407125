import { availableParallelism } from 'node:os';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { LeaseKeeper } from '../../platform/concurrency/lease-keeper.js';
import { WorkerLoop, type Task } from '../../platform/concurrency/worker-loop.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PauseWatch } from '../../queue/pauses/pause-watch.js';
import { WorkQueue } from '../../queue/work-queue.js';
import { FreeDisk } from '../../reports/storage/free-disk.js';
import { IsolationBusy, ReportGenerator } from '../report-generator.js';
import { WorkerLeasesStore } from '../workers/worker-leases.store.js';
import { JobsStore } from './jobs.store.js';
import { type LaneLease, LaneLeaseStore, accountKey } from './lane-lease.store.js';
import { LaneRun } from './lane-run.js';
import { TimeShare } from './fairness/time-share.js';

/** How long a lane rests when its work is not possible now, because the disk is full, for example. */
const PAUSE_MS = 5_000;

/** Leases free lanes and runs their requests: several lanes at once, each strictly in order. */
@Injectable()
export class JobsRunner {
  private readonly logger = new Logger(JobsRunner.name);
  private readonly leases: LeaseKeeper<LaneLease>;
  private readonly loop: WorkerLoop;
  private readonly share: TimeShare;
  private readonly draining = new AbortController();

  constructor(
    private readonly laneLeases: LaneLeaseStore,
    private readonly store: JobsStore,
    private readonly workerLeases: WorkerLeasesStore,
    private readonly generator: ReportGenerator,
    private readonly queue: WorkQueue,
    private readonly disk: FreeDisk,
    private readonly pauses: PauseWatch,
    @Inject(CONFIG) private readonly config: Pick<Config, 'LANE_LEASE' | 'REPORT_THREADS'>,
  ) {
    this.leases = new LeaseKeeper(config.LANE_LEASE, (lanes) => laneLeases.renew(lanes, config.LANE_LEASE));
    const limit = config.REPORT_THREADS ?? availableParallelism();
    this.share = new TimeShare(limit, (running) => laneLeases.findWaiting(running));
    this.loop = new WorkerLoop(
      limit,
      () => this.claim(),
      (error) => this.logger.warn(`Could not lease a lane: ${String(error)}`),
    );
  }

  /** Resolves when no free lane has work. */
  run(): Promise<void> {
    return this.loop.run();
  }

  /** Leases no further lane; resolves when the requests in hand are finished and their lanes released. */
  async stop(): Promise<void> {
    this.draining.abort();
    await Promise.all([this.workerLeases.drain().catch(() => undefined), this.loop.stop()]);
  }

  private async claim(): Promise<Task[]> {
    // The requests stay pending; the next sweep looks again.
    if (this.disk.isLow || !(await this.pauses.mayClaim('reports'))) return [];
    if (!(await this.generator.canStore())) return [];
    const askedAtMs = performance.now();
    const lane = await this.laneLeases.lease(this.config.LANE_LEASE, this.share.accounts);
    if (!lane) return [];
    this.leases.add(lane, askedAtMs);
    return [() => this.work(lane).finally(() => this.leases.remove(lane))];
  }

  private async work(lane: LaneLease): Promise<void> {
    const { store, generator, leases, queue } = this;
    const running = this.share.add(accountKey(lane.name));
    const isPaused = (): boolean => this.pauses.isPaused('reports');
    const stop = { draining: this.draining.signal, yielding: running.yielding.signal, isPaused };
    try {
      const parts = { store, generator, leases, queue, ...stop, leaseMs: this.config.LANE_LEASE };
      const isReleased = await new LaneRun(lane, parts).run();
      if (!isReleased) this.logger.warn(`Lane ${lane.name} was taken over by another worker`);
    } catch (error) {
      const pauseMs = error instanceof IsolationBusy ? error.pauseMs : PAUSE_MS;
      if (pauseMs === PAUSE_MS)
        this.logger.error(`Lane ${lane.name} rests for ${PAUSE_MS / 1_000} s: ${String(error)}`);
      await this.laneLeases.release(lane, pauseMs).catch(() => undefined);
    } finally {
      this.share.remove(running);
    }
  }
}
