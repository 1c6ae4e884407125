import { type DueDelivery, type StartedAttempt, nextNumber } from './due.store.js';

/** Deliveries of a stream that are read at once. */
export const READ_AHEAD = 256;
/** The most attempts that are put on record as started in one go. */
const MAX_WINDOW = 128;
/** As many are started ahead as are sent in this time, so that few are in doubt when the process dies. */
const WINDOW_MS = 50;

/** What a {@link StreamRun} needs from the world. */
export interface StreamPorts {
  /** What stands in line from a position on, at most {@link READ_AHEAD}. */
  read(fromPosition: number): Promise<DueDelivery[]>;
  /** Puts on record what may be on its way. False: the stream is not ours any more. */
  start(attempts: StartedAttempt[]): Promise<boolean>;
}

/**
 * The deliveries of one stream that we hold, in order, each on record as started before it is handed out. While one window
 * is being sent the next is put on record, so a fast receiver waits for no write, and a slow one has one ahead.
 */
export class StreamRun {
  private readonly waiting: DueDelivery[];
  private readonly ready: DueDelivery[] = [];
  /** On record as started, and not recorded as ended: it may be on its way. */
  private readonly open = new Map<string, number>();
  private readonly beganAtMs = performance.now();
  private handedOut = 0;
  /** All that was read. */
  private readonly known = new Set<string>();
  /**
   * The last position whose request was made. Requests are made in order, so nothing comes into line below it any more but
   * what is cancelled; while below a request that was cancelled before its turn others are still to come.
   */
  private lastMade = 0;
  private lastRead: number;
  private reading: Promise<void> | null = null;
  private starting: Promise<void> | null = null;
  private isLost = false;
  private isDone = false;

  /**
   * @param senders How many take from it side by side.
   * @param head What counts as started since the stream was taken.
   * @param first What stands at its beginning.
   */
  constructor(
    private readonly ports: StreamPorts,
    private readonly senders: number,
    head: StartedAttempt,
    first: DueDelivery[],
  ) {
    this.waiting = this.taken(first);
    this.lastRead = first.length;
    const [next] = first;
    if (next && next.id === head.id && nextNumber(next) === head.number) {
      this.ready.push(this.waiting.shift()!);
      this.open.set(head.id, head.number);
    }
  }

  /** The next delivery to send; null when there is none, or when the stream is not ours any more. */
  async next(): Promise<DueDelivery | null> {
    while (this.ready.length === 0 && !this.isDone && !this.isLost) await (this.starting ?? this.startNext());
    return this.isLost ? null : this.handOut();
  }

  private handOut(): DueDelivery | null {
    const delivery = this.ready.shift();
    if (!delivery) return null;
    this.handedOut++;
    if (!this.isDone && !this.starting && this.ready.length < this.window() / 2) void this.startNext();
    return delivery;
  }

  /** What became of it is on record. */
  recorded(id: string): void {
    this.open.delete(id);
  }

  /** Waits for what is being read and written ahead. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.starting, this.reading]);
  }

  /** What of a page is new. */
  private taken(page: DueDelivery[]): DueDelivery[] {
    this.lastMade = page.findLast(({ requestStatus }) => requestStatus !== 'CANCELLED')?.queuePosition ?? this.lastMade;
    const fresh = page.filter(({ id }) => !this.known.has(id));
    for (const { id } of fresh) this.known.add(id);
    return fresh;
  }

  private window(): number {
    const perMs = this.handedOut / Math.max(1, performance.now() - this.beganAtMs);
    return Math.max(this.senders, Math.min(MAX_WINDOW, Math.floor(perMs * WINDOW_MS)));
  }

  private startNext(): Promise<void> {
    const starting = this.startWindow()
      .catch((error: unknown) => {
        // What follows must not go before what could not be started.
        this.isLost = true;
        throw error;
      })
      .finally(() => (this.starting = null));
    // Whoever waits for it hears of it; nobody may.
    starting.catch(() => undefined);
    return (this.starting = starting);
  }

  private async startWindow(): Promise<void> {
    if (this.waiting.length === 0) await (this.reading ?? this.readNext());
    const window = this.waiting.splice(0, this.window());
    if (this.waiting.length < READ_AHEAD / 2 && this.lastRead === READ_AHEAD) void this.readNext();
    if (window.length === 0) return void (this.isDone = true);
    for (const delivery of window) this.open.set(delivery.id, nextNumber(delivery));
    const isOurs = await this.ports.start([...this.open].map(([id, number]) => ({ id, number })));
    if (isOurs) this.ready.push(...window);
    else this.isLost = true;
  }

  /** Not when the last look found next to nothing: what came since is found by who takes the stream next. */
  private readNext(): Promise<void> {
    if (this.lastRead < 2 || this.reading) return this.reading ?? Promise.resolve();
    const reading = this.ports
      .read(this.lastMade + 1)
      .then((read) => {
        const fresh = this.taken(read);
        // A page of nothing but what is known already would be read again and again.
        this.lastRead = fresh.length > 0 ? read.length : 0;
        this.waiting.push(...fresh);
        this.waiting.sort((a, b) => a.queuePosition - b.queuePosition);
      })
      .finally(() => (this.reading = null));
    reading.catch(() => undefined);
    return (this.reading = reading);
  }
}
