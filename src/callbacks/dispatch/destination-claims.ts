import { Inject, Injectable, Logger } from '@nestjs/common';
import { LeaseKeeper } from '../../platform/concurrency/lease-keeper.js';
import type { Task } from '../../platform/concurrency/worker-loop.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PauseWatch } from '../../queue/pauses/pause-watch.js';
import { WorkQueue } from '../../queue/work-queue.js';
import { Breakers } from '../destinations/breakers.js';
import { type Target, targetKey } from '../destinations/target.js';
import type { DueDelivery } from '../leases/due-delivery.js';
import type { DueDestination } from '../leases/due-destinations.store.js';
import { type QueueLease, QueueLeasesStore } from '../leases/queue-leases.store.js';
import { RetryLeasesStore } from '../leases/retry-leases.store.js';
import { type AttemptLimiter, MAX_CONCURRENCY_PER_TARGET } from '../transport/concurrency-limiter.js';
import { CallbacksService } from './callbacks.service.js';
import { DeliveryQueueRun, READ_AHEAD } from './delivery-queue-run.js';
import { RetryRun } from './retry-run.js';
import { type Run, RunSender } from './run-sender.js';
import type { WakeTimer } from '../../platform/concurrency/wake-timer.js';

/** After this time a run gives its lease back, so that other queues get a time slice too. */
const TIME_SLICE_MS = 1_000;

/** The leases of a run: one delivery queue, or single retries. */
interface RunLease {
  queueId: number | null;
  retryIds: Set<string>;
}

/** The permits and the timer of the dispatcher. */
interface Shared {
  limiter: AttemptLimiter;
  timer: WakeTimer;
}

/** Leases delivery queues and retries of a target, and sends each under its lease for one time slice. */
@Injectable()
export class DestinationClaims {
  private readonly logger = new Logger(DestinationClaims.name);
  private readonly leases: LeaseKeeper<RunLease>;
  /** The lane that was leased last, for each target that has more queues than permits. */
  private readonly lastLanes = new Map<string, string>();
  /** Alternates when there is one permit for queues and retries. */
  private isQueueNext = false;
  private isStopping = false;

  constructor(
    private readonly queues: QueueLeasesStore,
    private readonly retries: RetryLeasesStore,
    private readonly callbacks: CallbacksService,
    private readonly breakers: Breakers,
    private readonly wakeUps: WorkQueue,
    private readonly pauses: PauseWatch,
    @Inject(CONFIG) private readonly config: Pick<Config, 'CALLBACK_ORDER' | 'LANE_LEASE'>,
  ) {
    this.leases = new LeaseKeeper(config.LANE_LEASE, (leases) => this.renew(leases));
  }

  /** Forgets the last lanes of targets where nothing is due any more. */
  keepPlaces(all: DueDestination[]): void {
    if (this.lastLanes.size === 0) return;
    const due = new Set(all.map(targetKey));
    for (const key of this.lastLanes.keys()) if (!due.has(key)) this.lastLanes.delete(key);
  }

  /** Runs end after the attempts in flight. */
  stop(): void {
    this.isStopping = true;
  }

  /**
   * Leases due work of a destination of an account.
   * @param permits How many attempts may be in flight for it; those that are not needed are returned to the limiter.
   * @returns Tasks that send it. A failure is logged, and its work stays due.
   */
  async claim(due: DueDestination, permits: number, limiter: AttemptLimiter, timer: WakeTimer): Promise<Task[]> {
    const { hasQueue, retryInMs } = due;
    const shared = { limiter, timer };
    let unused = permits;
    const tasks: Task[] = [];
    try {
      const hasRetries = this.config.CALLBACK_ORDER !== 'strict' && retryInMs !== null && retryInMs <= 0;
      const forQueues = hasQueue ? permits - (hasRetries ? this.retryShare(permits) : 0) : 0;
      if (forQueues > 0) tasks.push(...(await this.queueTasks(due, forQueues, shared)));
      unused -= tasks.length;
      if (hasRetries && unused > 0) {
        tasks.push(this.retryTask(due, unused, shared));
        unused = 0;
      }
    } catch (error) {
      this.logger.warn(`Callbacks to ${due.destination} were not leased: ${String(error)}`);
    } finally {
      limiter.free(due, unused);
    }
    return tasks;
  }

  private get isHalted(): boolean {
    return this.isStopping || this.pauses.isPaused('callbacks');
  }

  /** Half of the permits; a single one alternates. */
  private retryShare(permits: number): number {
    if (permits > 1) return Math.ceil(permits / 2);
    this.isQueueNext = !this.isQueueNext;
    return this.isQueueNext ? 0 : 1;
  }

  /** Leases up to `limit` queues; each needs one permit. */
  private async queueTasks(target: Target, limit: number, shared: Shared): Promise<Task[]> {
    const askedAtMs = performance.now();
    const key = targetKey(target);
    const leased = await this.queues.lease(target, this.lastLanes.get(key) ?? '', limit, this.config.LANE_LEASE);
    if (leased.length === limit) {
      this.lastLanes.set(key, leased.at(-1)!.lane);
      // There may be more than this worker has permits for.
      this.wakeUps.wake('callbacks');
    } else {
      this.lastLanes.delete(key);
    }
    if (leased.length === 0) return [];
    const deliveries = await this.readFirst(target, leased);
    return leased.map((queue) => {
      const lease: RunLease = { queueId: queue.id, retryIds: new Set() };
      this.leases.add(lease, askedAtMs);
      const first = deliveries.filter(({ lane }) => lane === queue.lane);
      return () => this.sendQueue(target, queue, lease, first, shared);
    });
  }

  private async readFirst(target: Target, leased: QueueLease[]): Promise<DueDelivery[]> {
    try {
      const lanes = leased.map(({ lane }) => lane);
      return await this.queues.read(target, lanes, 0, READ_AHEAD);
    } catch (error) {
      await this.queues.release(leased.map(({ id }) => id)).catch(() => undefined);
      throw error;
    }
  }

  private async sendQueue(
    target: Target,
    queue: QueueLease,
    lease: RunLease,
    first: DueDelivery[],
    shared: Shared,
  ): Promise<void> {
    // Without an order a queue uses all permits that are left; otherwise its attempts follow one another.
    const isConcurrent = this.config.CALLBACK_ORDER === 'unordered' && this.breakers.isClosed(target);
    const senders = 1 + (isConcurrent ? shared.limiter.take(target, MAX_CONCURRENCY_PER_TARGET) : 0);
    const leasedQueue = {
      read: (fromPosition: number) => this.queues.read(target, [queue.lane], fromPosition, READ_AHEAD),
      start: (attempts: QueueLease['head'][]) => this.queues.start(queue, attempts, this.config.LANE_LEASE),
    };
    const run = new DeliveryQueueRun(leasedQueue, senders, queue.head, first);
    await this.send(lease, { target, senders, source: run }, shared, async ({ isBroken }) => {
      await run.settle();
      // Otherwise the lease expires, and the attempts without a record are reaped as unknown.
      if (!isBroken) await this.queues.release([queue.id]);
    });
  }

  private retryTask(target: Target, senders: number, shared: Shared): Task {
    const lease: RunLease = { queueId: null, retryIds: new Set() };
    const run = new RetryRun(senders, async (limit) => {
      const leased = await this.retries.lease(target, limit, this.config.LANE_LEASE);
      for (const { id } of leased) lease.retryIds.add(id);
      return leased;
    });
    this.leases.add(lease, performance.now());
    const source: Run['source'] = { next: () => run.next(), recorded: (id) => void lease.retryIds.delete(id) };
    return () =>
      this.send(lease, { target, senders, source }, shared, async ({ unsent }) => {
        const ids = [...unsent, ...(await run.end())].map(({ id }) => id);
        if (ids.length > 0) await this.retries.release(ids);
      });
  }

  /**
   * Sends a run for one time slice.
   * @param giveBack Releases the leases of deliveries that were not sent.
   */
  private async send(
    lease: RunLease,
    run: Run,
    { limiter, timer }: Shared,
    giveBack: (sender: RunSender) => Promise<void>,
  ): Promise<void> {
    const endsAtMs = performance.now() + TIME_SLICE_MS;
    const sender = new RunSender(run, this.callbacks, this.breakers, {
      isStrict: this.config.CALLBACK_ORDER === 'strict',
      mayContinue: () => !this.isHalted && performance.now() <= endsAtMs && this.leases.isSafe(lease),
      onRetry: (atMs) => timer.setIn(atMs - performance.now()),
    });
    try {
      const results = await sender.send();
      await giveBack(sender);
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    } catch (error) {
      this.logger.warn(`Callbacks to ${run.target.destination} are interrupted: ${String(error)}`);
    } finally {
      this.leases.remove(lease);
      limiter.free(run.target, run.senders);
    }
  }

  /** @returns The runs that still have a lease. */
  private async renew(runs: RunLease[]): Promise<RunLease[]> {
    const { LANE_LEASE } = this.config;
    const queueIds = runs.flatMap(({ queueId }) => queueId ?? []);
    const retryIds = runs.flatMap((run) => [...run.retryIds]);
    const [queues, retries] = await Promise.all([
      queueIds.length > 0 ? this.queues.renew(queueIds, LANE_LEASE) : new Set(),
      retryIds.length > 0 ? this.retries.renew(retryIds, LANE_LEASE) : new Set(),
    ]);
    return runs.filter((run) =>
      run.queueId === null
        ? run.retryIds.size === 0 || [...run.retryIds].some((id) => retries.has(id))
        : queues.has(run.queueId),
    );
  }
}
