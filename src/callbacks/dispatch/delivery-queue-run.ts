import { type DueDelivery, nextNumber } from '../leases/due-delivery.js';
import type { StartedAttempt } from '../leases/queue-leases.store.js';

/** Most deliveries of a queue that are read at once. */
export const READ_AHEAD = 256;
/** Most attempts that are recorded as started at once. */
const MAX_WINDOW = 128;
/** As many are started ahead as are sent in this time, so that a crash leaves few outcomes unknown. */
const WINDOW_MS = 50;

/** The leased queue that a {@link DeliveryQueueRun} reads and writes. */
export interface LeasedQueue {
  /** Reads its deliveries from a position on, at most {@link READ_AHEAD}. */
  read(fromPosition: number): Promise<DueDelivery[]>;
  /** Records the attempts that may be on their way. False: the lease was lost. */
  start(attempts: StartedAttempt[]): Promise<boolean>;
}

/**
 * The deliveries of one leased queue, in order. Each is recorded as started before it is handed out. While one window of them
 * is sent the next is recorded, so a fast receiver waits for no write.
 */
export class DeliveryQueueRun {
  private readonly waiting: DueDelivery[];
  private readonly ready: DueDelivery[] = [];
  /** Started attempts whose outcome is not recorded: they may be on their way. */
  private readonly started = new Map<string, number>();
  private readonly startedAtMs = performance.now();
  private handedOut = 0;
  /** The ids of all deliveries that were read. */
  private readonly known = new Set<string>();
  /**
   * The last position whose request was generated. Requests of a lane finish in order, except those that are cancelled early:
   * below a cancelled one others may still finish, so only deliveries at or below this position are complete.
   */
  private lastGenerated = 0;
  private lastRead: number;
  private reading: Promise<void> | null = null;
  private starting: Promise<void> | null = null;
  private isLost = false;
  private isDone = false;

  /**
   * @param senders How many senders take from it concurrently.
   * @param head The attempt that was recorded as started with the lease.
   * @param first The first deliveries of the queue.
   */
  constructor(
    private readonly queue: LeasedQueue,
    private readonly senders: number,
    head: StartedAttempt,
    first: DueDelivery[],
  ) {
    this.waiting = this.newOf(first);
    this.lastRead = first.length;
    const [next] = first;
    if (next && next.id === head.id && nextNumber(next) === head.number) {
      this.ready.push(this.waiting.shift()!);
      this.started.set(head.id, head.number);
    }
  }

  /** @returns The next delivery to send; null when there is none, or when the lease was lost. */
  async next(): Promise<DueDelivery | null> {
    while (this.ready.length === 0 && !this.isDone && !this.isLost) await (this.starting ?? this.startNext());
    const delivery = this.isLost ? undefined : this.ready.shift();
    if (!delivery) return null;
    this.handedOut++;
    if (!this.isDone && !this.starting && this.ready.length < this.window() / 2) void this.startNext();
    return delivery;
  }

  /** The outcome of a delivery's attempt was recorded. */
  recorded(id: string): void {
    this.started.delete(id);
  }

  /** Waits for the reads and writes in progress. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.starting, this.reading]);
  }

  /** The deliveries of a page that were not read before. */
  private newOf(page: DueDelivery[]): DueDelivery[] {
    this.lastGenerated =
      page.findLast(({ request }) => request.status !== 'CANCELLED')?.queuePosition ?? this.lastGenerated;
    const fresh = page.filter(({ id }) => !this.known.has(id));
    for (const { id } of fresh) this.known.add(id);
    return fresh;
  }

  private window(): number {
    const perMs = this.handedOut / Math.max(1, performance.now() - this.startedAtMs);
    return Math.max(this.senders, Math.min(MAX_WINDOW, Math.floor(perMs * WINDOW_MS)));
  }

  private startNext(): Promise<void> {
    const starting = this.startWindow()
      .catch((error: unknown) => {
        // Later deliveries must not be sent before those that could not be started.
        this.isLost = true;
        throw error;
      })
      .finally(() => (this.starting = null));
    // It may fail while no sender awaits it.
    starting.catch(() => undefined);
    return (this.starting = starting);
  }

  private async startWindow(): Promise<void> {
    if (this.waiting.length === 0) await (this.reading ?? this.readNext());
    const window = this.waiting.splice(0, this.window());
    if (this.waiting.length < READ_AHEAD / 2 && this.lastRead === READ_AHEAD) void this.readNext();
    if (window.length === 0) return void (this.isDone = true);
    for (const delivery of window) this.started.set(delivery.id, nextNumber(delivery));
    const isOurs = await this.queue.start([...this.started].map(([id, number]) => ({ id, number })));
    if (isOurs) this.ready.push(...window);
    else this.isLost = true;
  }

  /** Skipped when the last read found next to nothing: later deliveries are left to the next lease of the queue. */
  private readNext(): Promise<void> {
    if (this.lastRead < 2 || this.reading) return this.reading ?? Promise.resolve();
    const reading = this.queue
      .read(this.lastGenerated + 1)
      .then((read) => {
        const fresh = this.newOf(read);
        // A page of known deliveries only would be read again and again.
        this.lastRead = fresh.length > 0 ? read.length : 0;
        this.waiting.push(...fresh);
        this.waiting.sort((a, b) => a.queuePosition - b.queuePosition);
      })
      .finally(() => (this.reading = null));
    reading.catch(() => undefined);
    return (this.reading = reading);
  }
}
