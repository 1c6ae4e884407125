import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { hasExited } from '../../platform/concurrency/worker-id.js';
import { LeaseKeeper } from '../../platform/concurrency/lease-keeper.js';
import { WorkerLoop, type Task } from '../../platform/concurrency/worker-loop.js';
import { WorkQueue } from '../../queue/work-queue.js';
import { Alarm } from './alarm.js';
import { LONGEST_OPEN_MS } from '../destinations/breaker.js';
import { Breakers } from '../destinations/breakers.js';
import { CallbacksService } from './callbacks.service.js';
import { DestinationStore } from '../destinations/destination.store.js';
import { type DueDelivery, type DueDestination, DueStore, type StartedAttempt, type Stream } from './due.store.js';
import { RetryRun } from './retry-run.js';
import { scheduleMs } from './retry-schedule.js';
import { type Run, RunSender } from './run-sender.js';
import { DispatchLeasesStore } from './dispatch-leases.store.js';
import { SLOTS, SLOTS_PER_DESTINATION, Slots } from '../transport/slots.js';
import { READ_AHEAD, StreamRun } from './stream-run.js';
import { Turn } from './turn.js';

/** After so long a stream is given back, so that others have their turn. */
const TURN_MS = 1_000;

/** What a run holds: a stream, or retries. */
interface RunLease {
  stream: number | null;
  retries: Set<string>;
}

/**
 * Delivers what is due: first attempts in the order of their stream (one lane, one destination), retries on their own.
 * A stream is held under a lease, so that two workers never send one stream at the same time.
 */
@Injectable()
export class CallbacksDispatcher {
  private readonly logger = new Logger(CallbacksDispatcher.name);
  private readonly slots = new Slots();
  private readonly leases: LeaseKeeper<RunLease>;
  private readonly drain: WorkerLoop;
  /** The lane taken last, of each destination that has more lanes than it had slots. */
  private readonly lastLanes = new Map<string, string>();
  private lastDestination = '';
  private turn = 0;
  /** For what is not due yet when it is looked for. */
  private readonly alarm = new Alarm(() => void this.run());
  private isStopping = false;

  constructor(
    private readonly due: DueStore,
    private readonly senders: DispatchLeasesStore,
    private readonly destinations: DestinationStore,
    private readonly callbacks: CallbacksService,
    private readonly breakers: Breakers,
    private readonly queue: WorkQueue,
    @Inject(CONFIG)
    private readonly config: Pick<Config, 'CALLBACK_ORDER' | 'CALLBACK_RETRY_DELAYS' | 'LANE_LEASE'>,
  ) {
    this.leases = new LeaseKeeper(config.LANE_LEASE, (leases) => this.renew(leases));
    this.drain = new WorkerLoop(
      SLOTS,
      () => this.claim(),
      (error) => this.logger.warn(`Callbacks wait: ${String(error)}`),
    );
  }

  /** Sends what is due; resolves when nothing more can be taken. */
  run(): Promise<void> {
    return this.drain.run();
  }

  /** Looks for what no wake-up announced, takes over from dead processes, gives up what has waited for too long. */
  async sweep(): Promise<void> {
    const dead = (await this.senders.onThisHost()).filter((holder) => hasExited(holder));
    if (dead.length > 0) await this.senders.expire(dead);
    await this.senders.reapExpired();
    while ((await this.destinations.giveUpWaiting(this.patienceMs())).mayBeMore);
    void this.run();
    await this.breakers.forgetIdle();
  }

  /** Begins no further attempt; resolves when those under way are recorded. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.alarm.turnOff();
    await this.drain.stop();
  }

  /** A delivery that waits for its destination is given the time of its whole schedule, and of one probe at least. */
  private patienceMs(): number {
    return Math.max(scheduleMs(this.config.CALLBACK_RETRY_DELAYS), LONGEST_OPEN_MS);
  }

  private async claim(): Promise<Task[]> {
    const all = await this.due.destinations();
    this.forgetLanes(all);
    // Each in its turn: those behind the one that was served last come first.
    const behind = all.findIndex(({ destination }) => destination > this.lastDestination);
    const inTurn = behind > 0 ? [...all.slice(behind), ...all.slice(0, behind)] : all;
    const claims: Promise<Task[]>[] = [];
    for (const due of inTurn) {
      this.breakers.learn(due.destination, due.breaker);
      if (due.retryInMs !== null && due.retryInMs > 0) this.alarm.setIn(due.retryInMs);
      if (!due.hasLine && !((due.retryInMs ?? 1) <= 0)) continue;
      const slots = this.slotsFor(due);
      if (slots === 0) continue;
      this.lastDestination = due.destination;
      claims.push(this.claimAt(due, this.slots.take(due.destination, slots)));
    }
    return (await Promise.all(claims)).flat();
  }

  /** Where nothing is due any more there is no turn to go on with. */
  private forgetLanes(all: DueDestination[]): void {
    if (this.lastLanes.size === 0) return;
    const due = new Set(all.map(({ destination }) => destination));
    for (const destination of this.lastLanes.keys()) if (!due.has(destination)) this.lastLanes.delete(destination);
  }

  /** How many attempts may be under way to a destination on top of those that are. */
  private slotsFor({ destination, breaker, opensInMs }: DueDestination): number {
    const room = this.slots.room(destination);
    if (this.breakers.isClosed(destination)) return room;
    // Here it has just opened, and Postgres is about to hear of it.
    if (breaker.state === 'closed') return 0;
    if (opensInMs <= 0) return Math.min(room, 1);
    this.alarm.setIn(opensInMs);
    return 0;
  }

  /** Takes what is due at a destination, with so many slots; those that are not needed are given back. */
  private async claimAt({ destination, hasLine, retryInMs }: DueDestination, slots: number): Promise<Task[]> {
    let unused = slots;
    const tasks: Task[] = [];
    const take = (task: Task, senders: number): void => {
      tasks.push(task);
      unused -= senders;
    };
    try {
      const hasRetries = this.config.CALLBACK_ORDER !== 'strict' && retryInMs !== null && retryInMs <= 0;
      // Half of the slots each; a single one in turn.
      const share = slots > 1 ? Math.ceil(slots / 2) : this.turn++ % 2;
      const forLine = hasLine ? slots - (hasRetries ? share : 0) : 0;
      if (forLine > 0) for (const task of await this.streamTasks(destination, forLine)) take(task, 1);
      if (hasRetries && unused > 0) take(this.retryTask(destination, unused), unused);
    } catch (error) {
      this.logger.warn(`Callbacks to ${destination} wait: ${String(error)}`);
    } finally {
      this.slots.free(destination, unused);
    }
    return tasks;
  }

  /** Takes streams; each has one slot. */
  private async streamTasks(destination: string, limit: number): Promise<Task[]> {
    const { LANE_LEASE } = this.config;
    const askedAtMs = performance.now();
    const streams = await this.due.takeStreams(destination, this.lastLanes.get(destination) ?? '', limit, LANE_LEASE);
    if (streams.length === limit) {
      this.lastLanes.set(destination, streams.at(-1)!.lane);
      // There may be more than there are slots for here.
      this.queue.wake('callbacks');
    } else {
      this.lastLanes.delete(destination);
    }
    if (streams.length === 0) return [];
    const lanes = streams.map(({ lane }) => lane);
    const read = await this.due.readStreams(destination, lanes, 0, READ_AHEAD).catch(async (error: unknown) => {
      await this.due.releaseStreams(streams.map(({ id }) => id)).catch(() => undefined);
      throw error;
    });
    return streams.map((stream) => {
      const lease: RunLease = { stream: stream.id, retries: new Set() };
      this.leases.add(lease, askedAtMs);
      const first = read.filter(({ lane }) => lane === stream.lane);
      return () => this.sendStream(stream, lease, first);
    });
  }

  private async sendStream(stream: Stream, lease: RunLease, first: DueDelivery[]): Promise<void> {
    const { destination, lane } = stream;
    const { CALLBACK_ORDER, LANE_LEASE } = this.config;
    // In line one goes after the other; without an order as many as there are slots.
    const isSideBySide = CALLBACK_ORDER === 'unordered' && this.breakers.isClosed(destination);
    const senders = 1 + (isSideBySide ? this.slots.take(destination, SLOTS_PER_DESTINATION) : 0);
    const ports = {
      read: (from: number) => this.due.readStreams(destination, [lane], from, READ_AHEAD),
      start: (attempts: StartedAttempt[]) => this.due.start(stream, attempts, LANE_LEASE),
    };
    const run = new StreamRun(ports, senders, stream.head, first);
    await this.send(lease, { destination, senders, source: run }, async (isWhole) => {
      await run.settle();
      // What could not be recorded was sent: that is found when the lease has ended.
      if (isWhole) await this.due.releaseStreams([stream.id]);
    });
  }

  private retryTask(destination: string, senders: number): Task {
    const { LANE_LEASE } = this.config;
    const lease: RunLease = { stream: null, retries: new Set() };
    const run = new RetryRun(senders, async (limit) => {
      const leased = await this.due.leaseRetries(destination, limit, LANE_LEASE);
      for (const { id } of leased) lease.retries.add(id);
      return leased;
    });
    this.leases.add(lease, performance.now());
    const source: Run['source'] = { next: () => run.next(), recorded: (id) => void lease.retries.delete(id) };
    return () =>
      this.send(lease, { destination, senders, source }, async (_, unsent) => {
        const held = await run.end();
        const ids = [...unsent, ...held].map(({ id }) => id);
        if (ids.length > 0) await this.due.releaseRetries(ids);
      });
  }

  /**
   * Sends what a run hands out until its turn is over, and gives the rest back.
   * @param giveBack Told whether everything is on record, and what was handed out and not sent.
   */
  private async send(
    lease: RunLease,
    run: Run,
    giveBack: (isWhole: boolean, unsent: DueDelivery[]) => Promise<void>,
  ): Promise<void> {
    const turn = new Turn(performance.now() + TURN_MS, () => !this.isStopping && this.leases.isSafe(lease));
    const sender = new RunSender(run, turn, this.callbacks, this.breakers, {
      isStrict: this.config.CALLBACK_ORDER === 'strict',
      onRetry: (atMs) => this.alarm.setIn(atMs - performance.now()),
    });
    try {
      const ended = await sender.send();
      await giveBack(!turn.isBroken, turn.unsent);
      for (const outcome of ended) if (outcome.status === 'rejected') throw outcome.reason;
    } catch (error) {
      this.logger.warn(`Callbacks to ${run.destination} wait: ${String(error)}`);
    } finally {
      this.leases.remove(lease);
      this.slots.free(run.destination, run.senders);
    }
  }

  private async renew(leases: RunLease[]): Promise<RunLease[]> {
    const { LANE_LEASE } = this.config;
    const streams = leases.flatMap(({ stream }) => (stream === null ? [] : [stream]));
    const retries = leases.flatMap((lease) => [...lease.retries]);
    const [ourStreams, ourRetries] = await Promise.all([
      streams.length > 0 ? this.due.renewStreams(streams, LANE_LEASE) : new Set(),
      retries.length > 0 ? this.due.renewRetries(retries, LANE_LEASE) : new Set(),
    ]);
    return leases.filter((lease) =>
      lease.stream === null
        ? lease.retries.size === 0 || [...lease.retries].some((id) => ourRetries.has(id))
        : ourStreams.has(lease.stream),
    );
  }
}
