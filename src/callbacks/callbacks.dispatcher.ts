import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG, type Config } from '../config.js';
import { hasEnded } from '../holder.js';
import { LeaseKeeper } from '../lease-keeper.js';
import { Drain, type Task } from '../queue/drain.js';
import { CallbacksService } from './callbacks.service.js';
import { DeliveryStore, type DueDelivery, type StreamHead } from './delivery.store.js';

/** Attempts under way in one process. */
const SLOTS = 64;
/** Attempts under way to one destination, so that one that is slow or dead leaves room for the others. */
const SLOTS_PER_DESTINATION = 8;
/** Deliveries of a stream that are read at once. */
const READ_AHEAD = 64;
/** Attempts of a stream that may wait to be recorded. */
const MAX_UNRECORDED = 128;
/** After so long a stream is given back, so that others have their turn. */
const TURN_MS = 1_000;

/** The deliveries of a stream, one of which bears the stream's lease; or a retry, which bears its own. */
interface DeliveryLease {
  ids: string[];
  destination: string;
}

/**
 * Delivers what is due: first attempts in the order of their stream (one lane, one destination), retries on their own.
 * A stream is held by the lease of its head, so that two workers never send one stream at the same time.
 */
@Injectable()
export class CallbacksDispatcher {
  private readonly logger = new Logger(CallbacksDispatcher.name);
  private readonly underWay = new Map<string, number>();
  private readonly leases: LeaseKeeper<DeliveryLease>;
  private readonly drain: Drain;
  private lastStream: Pick<StreamHead, 'lane' | 'destination'> = { lane: '', destination: '' };
  private retryTimer: NodeJS.Timeout | undefined;
  private isStopping = false;

  constructor(
    private readonly store: DeliveryStore,
    private readonly callbacks: CallbacksService,
    @Inject(CONFIG) private readonly config: Pick<Config, 'CALLBACK_ORDER' | 'LANE_LEASE' | 'SWEEP_INTERVAL'>,
  ) {
    this.leases = new LeaseKeeper(config.LANE_LEASE, (leases) => this.renew(leases));
    this.drain = new Drain(
      SLOTS,
      (free) => this.claim(free),
      (error) => this.logger.warn(`Callbacks wait: ${String(error)}`),
    );
  }

  /** Sends what is due; resolves when nothing more can be taken. */
  run(): Promise<void> {
    return this.drain.run();
  }

  /** Looks for what no wake-up announced, takes over from dead processes, and is there when the next retry is due. */
  async sweep(): Promise<void> {
    const dead = (await this.store.holdersOnThisHost()).filter((holder) => hasEnded(holder));
    if (dead.length > 0) await this.store.expire(dead);
    void this.run();
    const dueInMs = await this.store.nextRetryInMs();
    if (dueInMs !== null && dueInMs < this.config.SWEEP_INTERVAL) this.runIn(dueInMs);
  }

  /** Begins no further attempt; resolves when those under way are recorded. */
  async stop(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.retryTimer);
    await this.drain.stop();
  }

  private runIn(ms: number): void {
    clearTimeout(this.retryTimer);
    if (!this.isStopping) this.retryTimer = setTimeout(() => void this.run(), Math.max(0, ms)).unref();
  }

  private async claim(free: number): Promise<Task[]> {
    const busy = [...this.underWay].filter(([, count]) => count >= SLOTS_PER_DESTINATION).map(([name]) => name);
    const askedAtMs = performance.now();
    const { LANE_LEASE } = this.config;
    const limit = Math.min(Math.ceil(free / 2), SLOTS_PER_DESTINATION);
    const [heads, singles] = await Promise.all([
      this.store.leaseStreams(this.lastStream, busy, limit, LANE_LEASE),
      this.store.leaseSingles(busy, limit, LANE_LEASE),
    ]);
    if (heads.length > 0) this.lastStream = heads.at(-1)!;
    return [
      ...heads.map((head) => this.taken(head, askedAtMs, (lease) => this.sendStream(head, lease))),
      ...singles.map((single) => this.taken(single, askedAtMs, () => this.sendSingle(single))),
    ];
  }

  private async renew(leases: DeliveryLease[]): Promise<DeliveryLease[]> {
    const ids = leases.flatMap((lease) => lease.ids);
    const ours = await this.store.renew(ids, this.config.LANE_LEASE);
    return leases.filter((lease) => lease.ids.some((id) => ours.has(id)));
  }

  /** Counts the delivery against its destination and keeps its lease until the task has ended. */
  private taken(
    { id, destination }: { id: string; destination: string },
    askedAtMs: number,
    send: (lease: DeliveryLease) => Promise<void>,
  ): Task {
    const lease: DeliveryLease = { ids: [id], destination };
    this.underWay.set(destination, (this.underWay.get(destination) ?? 0) + 1);
    this.leases.add(lease, askedAtMs);
    return async () => {
      try {
        await send(lease);
      } catch (error) {
        this.logger.warn(`Callbacks to ${destination} wait: ${String(error)}`);
      } finally {
        this.leases.remove(lease);
        const left = this.underWay.get(destination)! - 1;
        if (left > 0) this.underWay.set(destination, left);
        else this.underWay.delete(destination);
      }
    };
  }

  private async sendSingle(delivery: DueDelivery): Promise<void> {
    if (this.isStopping) return this.store.release([delivery.id]);
    const record = await this.callbacks.attempt(delivery);
    await this.callbacks.record({ record, next: null });
    this.expect(record.nextAttemptAt);
  }

  /** First attempts, one after the other. What follows an attempt that failed is not held up by its retry. */
  private async sendStream(head: StreamHead, lease: DeliveryLease): Promise<void> {
    const endsAtMs = performance.now() + TURN_MS;
    const read = (fromPosition: number) => this.store.readStream(head, fromPosition, READ_AHEAD);
    const recorded: Promise<void>[] = [];
    let isBroken = false;
    const known = await read(head.queuePosition);
    lease.ids = known.map(({ id }) => id);
    let ahead: Promise<DueDelivery[]> | null = null;
    for (const [index, delivery] of known.entries()) {
      if (this.isStopping || isBroken || performance.now() > endsAtMs || !this.leases.isSafe(lease)) break;
      if (index % READ_AHEAD === 0) {
        ahead = known.length === index + READ_AHEAD ? read(known.at(-1)!.queuePosition + 1) : null;
        ahead?.catch(() => undefined);
      }
      const record = await this.callbacks.attempt(delivery);
      // What follows must be known before the last one is recorded, since it takes over the lease then.
      if (ahead && index === known.length - 1) known.push(...(await ahead));
      lease.ids = known.slice(Math.max(0, index - MAX_UNRECORDED)).map(({ id }) => id);
      // In strict order nothing follows what is to be tried again: the line waits for it.
      const mayFollow = this.config.CALLBACK_ORDER !== 'strict' || record.status !== 'PENDING';
      const recording = this.callbacks.record({ record, next: (mayFollow && known[index + 1]?.id) || null });
      recording.catch(() => (isBroken = true));
      recorded.push(recording.then(() => this.expect(record.nextAttemptAt)));
      if (!mayFollow) break;
      await recorded.at(-MAX_UNRECORDED)?.catch(() => undefined);
    }
    await Promise.allSettled(recorded);
    // The lease may have moved on to a delivery that is not sent now; it is nobody's then. Those that were sent gave it up
    // when they were recorded, and a retry of theirs may be under way by now, under a lease of its own.
    const unsent = known.slice(recorded.length).map(({ id }) => id);
    if (unsent.length > 0) await this.store.release(unsent);
    await Promise.all(recorded);
  }

  /** Is there when a retry is due that comes before the next sweep. */
  private expect(nextAttemptAt: Date | null): void {
    if (!nextAttemptAt) return;
    const inMs = nextAttemptAt.getTime() - Date.now();
    if (inMs < this.config.SWEEP_INTERVAL) this.runIn(inMs);
  }
}
