import { availableParallelism } from 'node:os';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { CallbacksDispatcher } from '../../callbacks/dispatch/callbacks.dispatcher.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { throughOutage } from '../../platform/database/database.js';
import { LeaseKeeper } from '../../platform/concurrency/lease-keeper.js';
import { WorkerLoop, type Task } from '../../platform/concurrency/worker-loop.js';
import { WorkerLeasesStore } from '../workers/worker-leases.store.js';
import { type CompletedBatch, JobsStore, type LaneLease } from './jobs.store.js';
import { AHEAD, LaneRun } from './lane-run.js';
import { ReportGenerator, SuspectWaits } from '../report-generator.js';

/** After so long a lane is given back, so that others have their turn. */
const TURN_MS = 1_000;
/** A lane whose work cannot be done now (a full disk, say) rests so long. */
const PAUSE_MS = 5_000;

/** Takes lanes that nobody holds and makes their requests, several lanes at once, each strictly in order. */
@Injectable()
export class JobsRunner {
  private readonly logger = new Logger(JobsRunner.name);
  private readonly leases: LeaseKeeper<LaneLease>;
  private readonly drain: WorkerLoop;
  private isStopping = false;

  constructor(
    private readonly store: JobsStore,
    private readonly holders: WorkerLeasesStore,
    private readonly maker: ReportGenerator,
    private readonly callbacks: CallbacksDispatcher,
    @Inject(CONFIG) private readonly config: Pick<Config, 'LANE_LEASE' | 'REPORT_THREADS'>,
  ) {
    this.leases = new LeaseKeeper(config.LANE_LEASE, (lanes) => store.renew(lanes, config.LANE_LEASE));
    this.drain = new WorkerLoop(
      config.REPORT_THREADS ?? availableParallelism(),
      () => this.claim(),
      (error) => this.logger.warn(`Requests wait: ${String(error)}`),
    );
  }

  /** Works; resolves when no lane is left to take. */
  run(): Promise<void> {
    return this.drain.run();
  }

  /** Takes nothing more; resolves when the requests in hand are finished and their lanes given back. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await Promise.all([this.holders.leave().catch(() => undefined), this.drain.stop()]);
  }

  private async claim(): Promise<Task[]> {
    const askedAtMs = performance.now();
    const lane = await this.store.leaseLane(this.config.LANE_LEASE);
    if (!lane) return [];
    this.leases.add(lane, askedAtMs);
    return [() => this.work(lane).finally(() => this.leases.remove(lane))];
  }

  private async work(lane: LaneLease): Promise<void> {
    const endsAtMs = performance.now() + TURN_MS;
    const run = new LaneRun(lane, {
      readAfter: (queuePosition) => this.store.readAfter(lane, queuePosition, AHEAD),
      expectedMs: (job) => this.maker.expectedMs(job),
      make: (jobs) => this.maker.make(jobs),
      commit: (batch) => this.commit(lane, batch),
      mayContinue: () => !this.isStopping && performance.now() < endsAtMs && this.leases.isSafe(lane),
    });
    try {
      const jobs = await this.store.begin(lane, AHEAD);
      const [head] = jobs;
      if (lane.lostBy !== null && head?.crashCount) {
        this.logger.warn(`${lane.lostBy} fell silent while it made request ${head.id} of lane ${lane.name}`);
      }
      const isOurs = await run.run(jobs);
      if (!isOurs) this.logger.warn(`Lane ${lane.name} passed to another worker; it goes on there`);
    } catch (error) {
      const pauseMs = error instanceof SuspectWaits ? error.pauseMs : PAUSE_MS;
      if (pauseMs === PAUSE_MS)
        this.logger.error(`Lane ${lane.name} rests for ${PAUSE_MS / 1_000} s: ${String(error)}`);
      await this.store.release(lane, pauseMs).catch(() => undefined);
    }
  }

  private async commit(lane: LaneLease, batch: CompletedBatch): Promise<boolean> {
    const isOurs = await this.maker.publish(batch.completions, () =>
      throughOutage(() => this.store.complete(lane, batch, this.config.LANE_LEASE)),
    );
    const destinations = batch.completions.flatMap(({ destination }) => destination ?? []);
    this.callbacks.owed(lane.name, new Set(destinations));
    return isOurs;
  }
}
