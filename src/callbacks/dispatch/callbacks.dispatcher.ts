import { Inject, Injectable, Logger } from '@nestjs/common';
import { hasExited } from '../../platform/concurrency/worker-id.js';
import { WorkerLoop, type Task } from '../../platform/concurrency/worker-loop.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { WorkQueue } from '../../queue/work-queue.js';
import { LONGEST_OPEN_MS } from '../destinations/breaker.js';
import { Breakers } from '../destinations/breakers.js';
import { BreakerStore } from '../destinations/breaker.store.js';
import { type DueDestination, DueDestinationsStore } from '../leases/due-destinations.store.js';
import { ExpiredLeasesStore } from '../leases/expired-leases.store.js';
import { AttemptLimiter, MAX_CONCURRENCY } from '../transport/concurrency-limiter.js';
import { DestinationClaims } from './destination-claims.js';
import { UnresolvedDestinations } from './postponing.js';
import { scheduleMs } from './retry-schedule.js';
import { WakeTimer } from './wake-timer.js';

/** Least time between two wake-ups that hand on work for which this process has no permits. */
const HAND_ON_EVERY_MS = 1_000;

/**
 * Sends due callbacks: first attempts in the order of their delivery queue (one lane, one destination), retries on their own.
 * Each claim visits the destinations in turn and takes work for the permits that are free; {@link DestinationClaims} sends it.
 */
@Injectable()
export class CallbacksDispatcher {
  private readonly logger = new Logger(CallbacksDispatcher.name);
  private readonly limiter = new AttemptLimiter();
  private readonly loop: WorkerLoop;
  /** For deliveries and probes that are not due yet. */
  private readonly timer = new WakeTimer(() => void this.run());
  /** For due work that is left to other workers. */
  private readonly handOn = new WakeTimer(() => this.wakeOthers());
  private handedOnAtMs = Number.NEGATIVE_INFINITY;
  /** The destination that was served last. */
  private lastDestination = '';

  constructor(
    private readonly due: DueDestinationsStore,
    private readonly expired: ExpiredLeasesStore,
    private readonly claims: DestinationClaims,
    private readonly destinations: BreakerStore,
    private readonly breakers: Breakers,
    private readonly unresolved: UnresolvedDestinations,
    private readonly wakeUps: WorkQueue,
    @Inject(CONFIG) private readonly config: Pick<Config, 'CALLBACK_RETRY_DELAYS'>,
  ) {
    this.loop = new WorkerLoop(
      MAX_CONCURRENCY,
      () => this.claim(),
      (error) => this.logger.warn(`Due callbacks were not claimed: ${String(error)}`),
    );
  }

  /** Sends due callbacks; resolves when nothing more can be claimed. */
  run(): Promise<void> {
    return this.loop.run();
  }

  /** Recovers lost wake-ups and crashed workers' leases, and fails deliveries that have waited too long for their destination. */
  async sweep(): Promise<void> {
    const exited = (await this.expired.workersOnThisHost()).filter((workerId) => hasExited(workerId));
    if (exited.length > 0) await this.expired.expire(exited);
    await this.expired.reapExpired();
    while ((await this.destinations.giveUpWaiting(this.patienceMs())).mayBeMore);
    void this.run();
    await this.breakers.forgetIdle();
  }

  /** Sends no further attempt; resolves when those in flight are recorded. */
  async stop(): Promise<void> {
    this.claims.stop();
    this.timer.stop();
    this.handOn.stop();
    await this.loop.stop();
  }

  /** How long a delivery may wait for its destination: the duration of its whole schedule, and of one probe at least. */
  private patienceMs(): number {
    return Math.max(scheduleMs(this.config.CALLBACK_RETRY_DELAYS), LONGEST_OPEN_MS);
  }

  private async claim(): Promise<Task[]> {
    const all = await this.due.list();
    this.claims.keepPlaces(all);
    const claimed: Promise<Task[]>[] = [];
    for (const due of this.inTurn(all)) {
      this.breakers.learn(due.destination, due.breaker);
      if (due.retryInMs !== null && due.retryInMs > 0) this.timer.setIn(due.retryInMs);
      if (!due.hasQueue && !((due.retryInMs ?? 1) <= 0)) continue;
      const permits = this.limiter.take(due.destination, this.room(due));
      if (permits === 0) {
        if (this.isAtLimit(due)) this.leaveToOthers();
        continue;
      }
      this.lastDestination = due.destination;
      claimed.push(this.claims.claim(due, permits, this.limiter, this.timer));
    }
    return (await Promise.all(claimed)).flat();
  }

  /** Whether only the limits of this process keep it from sending to a destination. */
  private isAtLimit({ destination, breaker, opensInMs }: DueDestination): boolean {
    const isAdmitted = this.breakers.isClosed(destination) || (breaker.state !== 'closed' && opensInMs <= 0);
    return isAdmitted && this.limiter.room(destination) <= 0;
  }

  /**
   * Wakes the workers again for work that this process cannot take. It has used up a wake-up for that work, and another worker
   * may have had no other: Redis gives a wake-up to one worker, which may be this one each time. Hence more than once.
   */
  private leaveToOthers(): void {
    this.handOn.setIn(this.handedOnAtMs + HAND_ON_EVERY_MS - performance.now());
  }

  private wakeOthers(): void {
    this.handedOnAtMs = performance.now();
    this.wakeUps.wake('callbacks');
  }

  /** Round robin: the destinations after the one that was served last come first. */
  private inTurn(all: DueDestination[]): DueDestination[] {
    const next = all.findIndex(({ destination }) => destination > this.lastDestination);
    return next > 0 ? [...all.slice(next), ...all.slice(0, next)] : all;
  }

  /** One attempt finds out whether the name of a destination can be resolved again. */
  private roomForOne(destination: string): number {
    return this.limiter.isIdle(destination) ? Math.min(1, this.limiter.room(destination)) : 0;
  }

  /** @returns How many more attempts may be sent to a destination. */
  private room({ destination, breaker, opensInMs }: DueDestination): number {
    const triedInMs = this.unresolved.triedInMs(destination);
    if (triedInMs !== null && triedInMs > 0) {
      this.timer.setIn(triedInMs);
      return 0;
    }
    const room = triedInMs === null ? this.limiter.room(destination) : this.roomForOne(destination);
    if (this.breakers.isClosed(destination)) return room;
    // It has just opened in this process, which Postgres does not know yet.
    if (breaker.state === 'closed') return 0;
    if (opensInMs <= 0) return Math.min(room, 1);
    this.timer.setIn(opensInMs);
    return 0;
  }
}
