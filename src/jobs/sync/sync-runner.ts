import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import { LeaseKeeper } from '../../platform/concurrency/lease-keeper.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { throughOutage } from '../../platform/database/outages.js';
import { newId } from '../../platform/ids.js';
import { FreeDisk } from '../../reports/storage/free-disk.js';
import { WorkQueue } from '../../queue/work-queue.js';
import { type Job, destinationOf } from '../job.js';
import { type GeneratedReport, IsolationBusy, ReportGenerator } from '../report-generator.js';
import { WorkerLeasesStore } from '../workers/worker-leases.store.js';
import { SyncStore } from './sync.store.js';

/** Runs sync requests at once, outside every lane, each under a lease of its own. */
@Injectable()
export class SyncRunner implements BeforeApplicationShutdown {
  private readonly logger = new Logger(SyncRunner.name);
  private readonly leases: LeaseKeeper<Job>;
  private readonly running = new Set<Promise<unknown>>();

  constructor(
    private readonly store: SyncStore,
    private readonly workerLeases: WorkerLeasesStore,
    private readonly generator: ReportGenerator,
    private readonly queue: WorkQueue,
    private readonly disk: FreeDisk,
    @Inject(CONFIG) private readonly config: Pick<Config, 'LANE_LEASE'>,
  ) {
    this.leases = new LeaseKeeper(config.LANE_LEASE, async (jobs) => {
      const ids = jobs.map(({ id }) => id);
      const held = await store.renew(ids, config.LANE_LEASE);
      return jobs.filter(({ id }) => held.has(id));
    });
  }

  /**
   * Generates and completes a request that this process has leased.
   * @returns Null when another worker has taken the request over: its result counts, and this one's file is removed.
   * @throws StorageUnavailable, PoolClosed, DatabaseUnavailable: the request runs again when its lease has expired.
   */
  run(job: Job): Promise<GeneratedReport | null> {
    this.leases.add(job, performance.now());
    const done = this.finishOrRelease(job).finally(() => {
      this.leases.remove(job);
      this.running.delete(done);
    });
    this.running.add(done);
    return done;
  }

  /** Takes over sync requests whose lease has expired, and runs them, unless their files cannot be stored. */
  async adopt(limit: number): Promise<void> {
    if (this.disk.isLow || !(await this.generator.canStore())) return;
    for (const job of await this.store.adopt(limit, this.config.LANE_LEASE)) {
      this.run(job).catch((error: unknown) =>
        this.logger.warn(`Request ${job.id} could not run and is released: ${String(error)}`),
      );
    }
  }

  /** Finishes all requests, while the threads and the database are still open. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.allSettled([this.workerLeases.drain(), ...this.running]);
  }

  private async finishOrRelease(job: Job): Promise<GeneratedReport | null> {
    try {
      return await this.finish(job);
    } catch (error) {
      const pauseMs = error instanceof IsolationBusy ? error.pauseMs : this.config.LANE_LEASE;
      await this.store.release(job, pauseMs).catch(() => undefined);
      throw error;
    }
  }

  private async finish(job: Job): Promise<GeneratedReport | null> {
    const [report] = (await this.generator.generate([job])) as [GeneratedReport];
    const delivery = { deliveryId: newId(), destination: destinationOf(job.callbackUrl) };
    const isHeld = await this.generator.publish([{ id: job.id, fileKey: report.fileKey }], () =>
      throughOutage(() => this.store.complete(job, { ...report, ...delivery })),
    );
    if (!isHeld) this.logger.warn(`Request ${job.id} was taken over by another worker`);
    if (delivery.destination !== null) this.queue.wake('callbacks');
    return isHeld ? report : null;
  }
}
