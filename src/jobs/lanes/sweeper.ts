import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { CallbacksDispatcher } from '../../callbacks/dispatch/callbacks.dispatcher.js';
import { RedeliveriesService } from '../../callbacks/redelivery/redeliveries.service.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Heartbeat } from '../workers/heartbeat.js';
import { hasExited } from '../../platform/concurrency/worker-id.js';
import { IdempotencyService } from '../../requests/idempotency/idempotency.service.js';
import { RetentionService } from '../../requests/retention.service.js';
import { WorkerLeasesStore } from '../workers/worker-leases.store.js';
import { JobsRunner } from './jobs.runner.js';
import { ReportGenerator } from '../report-generator.js';
import { SyncRunner } from '../sync/sync-runner.js';

/** Sync requests of dead processes that one sweep takes over. */
const ADOPT_LIMIT = 4;
/** Sweeps of many workers are spread by this much either way. */
const JITTER = 0.2;

/**
 * Finds the work that no wake-up announced: Redis was away or lost it, a process died, a retry came due. Every worker
 * sweeps by itself and for itself, without the queue, so the work also goes on while there is no queue at all.
 */
@Injectable()
export class Sweeper {
  private readonly logger = new Logger(Sweeper.name);
  private readonly stopping = new AbortController();
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly holders: WorkerLeasesStore,
    private readonly runner: JobsRunner,
    private readonly syncRunner: SyncRunner,
    private readonly maker: ReportGenerator,
    private readonly callbacks: CallbacksDispatcher,
    private readonly redeliveries: RedeliveriesService,
    private readonly idempotency: IdempotencyService,
    private readonly retention: RetentionService,
    private readonly heartbeat: Heartbeat,
    @Inject(CONFIG) private readonly config: Pick<Config, 'SWEEP_INTERVAL'>,
  ) {}

  start(): void {
    this.sweeping = this.loop();
    this.maker.clearLeftovers().catch((error: unknown) => this.logger.warn(`Leftovers stay: ${String(error)}`));
  }

  /** Resolves when the sweep in hand has ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.sweeping;
    await this.heartbeat.signOff().catch(() => undefined);
  }

  private async loop(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.sweep().catch((error: unknown) => this.logger.warn(`Sweep failed: ${String(error)}`));
      const waitMs = this.config.SWEEP_INTERVAL * (1 - JITTER + 2 * JITTER * Math.random());
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async sweep(): Promise<void> {
    await this.heartbeat.beat();
    await this.holders.clearCrashReports();
    const dead = (await this.holders.onThisHost()).filter((holder) => hasExited(holder));
    if (dead.length > 0) await this.holders.expire(dead);
    void this.runner.run();
    await this.syncRunner.adopt(ADOPT_LIMIT);
    await this.redeliveries.sweep();
    await this.callbacks.sweep();
    await this.idempotency.forgetExpired();
    await this.retention.removeSome();
  }
}
