import { Inject, Injectable, Logger } from '@nestjs/common';
import { hasExited } from '../../platform/concurrency/worker-id.js';
import { WorkerLoop, type Task } from '../../platform/concurrency/worker-loop.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PauseWatch } from '../../queue/pauses/pause-watch.js';
import { WorkQueue } from '../../queue/work-queue.js';
import { Breakers } from '../destinations/breakers.js';
import { type DueDestination, DueDestinationsStore } from '../leases/due-destinations.store.js';
import { ExpiredLeasesStore } from '../leases/expired-leases.store.js';
import { AttemptLimiter, MAX_CONCURRENCY, MAX_CONCURRENCY_PER_TARGET } from '../transport/concurrency-limiter.js';
import { DestinationClaims } from './destination-claims.js';
import { type Candidate, sharePermits } from './permit-shares.js';
import { UnresolvedDestinations } from './postponing.js';
import { RoundRobin } from './round-robin.js';
import { WakeTimer } from '../../platform/concurrency/wake-timer.js';

/** Least time between two wake-ups that hand on work for which this process has no permits. */
const HAND_ON_EVERY_MS = 1_000;

/**
 * Sends due callbacks: first attempts in the order of their delivery queue (one lane, one destination), retries on their own.
 * Each claim shares the free permits between the accounts that have something due; {@link DestinationClaims} sends it.
 */
@Injectable()
export class CallbacksDispatcher {
  private readonly logger = new Logger(CallbacksDispatcher.name);
  private readonly limiter: AttemptLimiter;
  private readonly loop: WorkerLoop;
  /** For deliveries and probes that are not due yet. */
  private readonly timer = new WakeTimer(() => void this.run());
  /** For due work that is left to other workers. */
  private readonly handOn = new WakeTimer(() => this.wakeOthers());
  private handedOnAtMs = Number.NEGATIVE_INFINITY;
  private readonly roundRobin = new RoundRobin();

  constructor(
    private readonly due: DueDestinationsStore,
    private readonly expired: ExpiredLeasesStore,
    private readonly claims: DestinationClaims,
    private readonly breakers: Breakers,
    private readonly unresolved: UnresolvedDestinations,
    private readonly wakeUps: WorkQueue,
    private readonly pauses: PauseWatch,
    @Inject(CONFIG) { AUTH }: Pick<Config, 'AUTH'>,
  ) {
    this.limiter = new AttemptLimiter(AUTH === 'required');
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

  /** Recovers lost wake-ups and the leases of crashed workers, and forgets idle breakers. */
  async sweep(): Promise<void> {
    const exited = (await this.expired.workersOnThisHost()).filter((workerId) => hasExited(workerId));
    if (exited.length > 0) await this.expired.expire(exited);
    await this.expired.reapExpired();
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

  private async claim(): Promise<Task[]> {
    if (!(await this.pauses.mayClaim('callbacks'))) return [];
    const all = await this.due.list();
    this.claims.keepPlaces(all);
    const candidates = this.roundRobin.order(all).flatMap((due) => this.candidate(due));
    const shares = sharePermits(candidates, this.limiter);
    if (shares.size < candidates.length) this.leaveToOthers();
    const claimed = [...shares].map(([{ due }, permits]) => {
      this.roundRobin.served(due);
      return this.claims.claim(due, permits, this.limiter, this.timer);
    });
    return (await Promise.all(claimed)).flat();
  }

  /** @returns None if nothing may be sent to a destination now; the timer is then set for the time when it may. */
  private candidate(due: DueDestination): (Candidate & { due: DueDestination })[] {
    const { accountId, destination, breaker, hasQueue, retryInMs, opensInMs } = due;
    this.breakers.learn(due, breaker);
    if (retryInMs !== null && retryInMs > 0) this.timer.setIn(retryInMs);
    if (!hasQueue && !((retryInMs ?? 1) <= 0)) return [];
    const isClosed = this.breakers.isClosed(due);
    // It has just opened in this process, which Postgres does not know yet.
    if (!isClosed && breaker.state === 'closed') return [];
    const triedInMs = this.unresolved.triedInMs(destination);
    const waitMs = Math.max(isClosed ? 0 : opensInMs, triedInMs ?? 0);
    if (waitMs > 0) {
      this.timer.setIn(waitMs);
      return [];
    }
    // One attempt finds out whether its name can be resolved again.
    if (triedInMs !== null && !this.limiter.isIdle(destination)) return [];
    const wanted = isClosed && triedInMs === null ? MAX_CONCURRENCY_PER_TARGET : 1;
    return [{ accountId, destination, wanted, due }];
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
}
