import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { DaybookError } from '../../platform/errors.js';
import { Metrics } from '../../platform/observability/metrics.js';
import { Backlog } from '../../jobs/accept/backlog.service.js';

/** The service as a whole has too much to do. Nothing was done for this request, so it may be sent again. */
export class Overloaded extends DaybookError {
  readonly code = 'overloaded';
  constructor(
    why: string,
    override readonly retryAfterS: number,
  ) {
    super(`${why} Nothing was accepted.`);
  }
}

const SAMPLE_MS = 1_000;
const LOOP_RESOLUTION_MS = 20;

type Limits = Pick<Config, 'ROLE' | 'MAX_PENDING_TOTAL' | 'MAX_EVENT_LOOP_LAG' | 'MAX_DATABASE_WAIT'>;

/**
 * Knows whether the whole has too much to do: unfinished requests of all lanes, the lag of this event loop, the time that
 * a statement takes to get a connection and come back. Measured once a second, so that a request is turned away by
 * comparing numbers and never gets to the database.
 */
@Injectable()
export class Overload implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop: IntervalHistogram = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  private loopLagMs = 0;
  /** Of the last statement that came back. */
  private databaseWaitMs = 0;
  /** When the statement began that has not come back yet. */
  private askedAtMs: number | null = null;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly backlog: Backlog,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly limits: Limits,
  ) {
    metrics.gauge(
      'daybook_database_wait_seconds',
      'How long a statement took to get a connection and come back',
      () => this.databaseWait() / 1_000,
    );
  }

  onApplicationBootstrap(): void {
    // A worker answers nothing that could be turned away.
    if (this.limits.ROLE === 'worker') return;
    this.loop.enable();
    this.timer = setInterval(() => this.sample(), SAMPLE_MS).unref();
    this.sample();
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
    this.loop.disable();
  }

  /**
   * @param asked How many async requests this one asks for; 0 for anything else.
   * @throws Overloaded
   */
  check(asked: number): void {
    const { MAX_EVENT_LOOP_LAG, MAX_DATABASE_WAIT, MAX_PENDING_TOTAL } = this.limits;
    if (this.loopLagMs > MAX_EVENT_LOOP_LAG) this.shed('event-loop', 'The process has too much to do.', this.loopLagMs);
    const waitMs = this.databaseWait();
    if (waitMs > MAX_DATABASE_WAIT) this.shed('database', 'The database has too much to do.', waitMs);
    if (asked > 0 && this.backlog.pending + asked > MAX_PENDING_TOTAL) {
      const why = `All lanes together hold ${MAX_PENDING_TOTAL} unfinished requests, the most they may.`;
      this.shed('backlog', why, this.backlog.retryAfterS(MAX_PENDING_TOTAL) * 1_000);
    }
  }

  private shed(reason: string, why: string, retryAfterMs: number): never {
    this.metrics.shed.inc({ reason });
    throw new Overloaded(why, Math.ceil(retryAfterMs / 1_000));
  }

  /** Also of a statement that is still under way: one that hangs must not look like the one before it. */
  private databaseWait(): number {
    const soFarMs = this.askedAtMs === null ? 0 : performance.now() - this.askedAtMs;
    return Math.max(this.databaseWaitMs, soFarMs);
  }

  private sample(): void {
    this.loopLagMs = this.loop.count > 0 ? Math.max(0, this.loop.mean / 1e6 - LOOP_RESOLUTION_MS) : 0;
    this.loop.reset();
    if (this.askedAtMs === null) void this.askDatabase();
  }

  private async askDatabase(): Promise<void> {
    this.askedAtMs = performance.now();
    // A database that is away is another matter: requests are told so by their own statements.
    const isThere = await this.backlog.count().then(
      () => true,
      () => false,
    );
    this.databaseWaitMs = isThere ? performance.now() - this.askedAtMs : 0;
    this.askedAtMs = null;
  }
}
