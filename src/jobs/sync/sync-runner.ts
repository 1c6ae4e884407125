import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import { newId } from '../../platform/ids.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { throughOutage } from '../../platform/database/database.js';
import { LeaseKeeper } from '../../platform/concurrency/lease-keeper.js';
import { WorkQueue } from '../../queue/work-queue.js';
import { WorkerLeasesStore } from '../workers/worker-leases.store.js';
import { type Job, destinationOf } from '../job.js';
import { type GeneratedReport, ReportGenerator, IsolationBusy } from '../report-generator.js';
import { SyncStore } from './sync.store.js';

/** Makes sync requests at once, outside every lane, and keeps the lease that tells other processes we are alive. */
@Injectable()
export class SyncRunner implements BeforeApplicationShutdown {
  private readonly logger = new Logger(SyncRunner.name);
  private readonly leases: LeaseKeeper<Job>;
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(
    private readonly store: SyncStore,
    private readonly workerLeases: WorkerLeasesStore,
    private readonly generator: ReportGenerator,
    private readonly queue: WorkQueue,
    @Inject(CONFIG) private readonly config: Pick<Config, 'LANE_LEASE'>,
  ) {
    this.leases = new LeaseKeeper(config.LANE_LEASE, async (jobs) => {
      const ids = jobs.map(({ id }) => id);
      const ours = await store.renew(ids, config.LANE_LEASE);
      return jobs.filter(({ id }) => ours.has(id));
    });
  }

  /**
   * Makes the report of a request that this process leased when it accepted it, and finishes the request. Gives null when
   * another process has taken it over: its result is what counts, and the file of ours is gone.
   * @throws StorageUnavailable, PoolClosed, DatabaseUnavailable: the request stays, and is made when its lease has ended.
   */
  run(job: Job): Promise<GeneratedReport | null> {
    this.leases.add(job, performance.now());
    const done = this.finishOrRelease(job).finally(() => {
      this.leases.remove(job);
      this.underWay.delete(done);
    });
    this.underWay.add(done);
    return done;
  }

  /** Takes over the sync requests of processes that fell silent, so that none stays unfinished. */
  async adopt(limit: number): Promise<void> {
    for (const job of await this.store.adopt(limit, this.config.LANE_LEASE)) {
      this.run(job).catch((error: unknown) => this.logger.warn(`Request ${job.id} waits: ${String(error)}`));
    }
  }

  /** Also those that nobody waits for any more are finished while the threads and the database are still there. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.allSettled([this.workerLeases.drain(), ...this.underWay]);
  }

  private async finishOrRelease(job: Job): Promise<GeneratedReport | null> {
    try {
      return await this.finish(job);
    } catch (error) {
      await this.store
        .release(job, error instanceof IsolationBusy ? error.pauseMs : this.config.LANE_LEASE)
        .catch(() => undefined);
      throw error;
    }
  }

  private async finish(job: Job): Promise<GeneratedReport | null> {
    const [report] = (await this.generator.generate([job])) as [GeneratedReport];
    const delivery = { deliveryId: newId(), destination: destinationOf(job.callbackUrl) };
    const isOurs = await this.generator.publish([{ id: job.id, fileKey: report.fileKey }], () =>
      throughOutage(() => this.store.complete(job, { ...report, ...delivery })),
    );
    if (!isOurs) this.logger.warn(`Request ${job.id} was taken over by another process`);
    if (delivery.destination !== null) this.queue.wake('callbacks');
    return isOurs ? report : null;
  }
}
