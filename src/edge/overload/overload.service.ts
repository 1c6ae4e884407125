import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { withTimeout } from '../../platform/concurrency/timeout.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { DaybookError } from '../../platform/errors.js';
import { Metrics } from '../../platform/observability/metrics.js';
import { Backlog } from '../../jobs/accept/backlog.service.js';

/** The service is overloaded. The request had no effect and can be retried. */
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

type Limits = Pick<Config, 'ROLE' | 'MAX_EVENT_LOOP_LAG' | 'MAX_DATABASE_WAIT'>;

/**
 * Measures the load of the process once a second: the lag of the event loop, and the latency of a statement including its
 * wait for a connection. That statement counts the unfinished requests. Checking a request only compares these numbers.
 */
@Injectable()
export class OverloadService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop: IntervalHistogram = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  private loopLagMs = 0;
  /** Latency of the last finished statement. */
  private databaseWaitMs = 0;
  /** When the running statement started. */
  private startedAtMs: number | null = null;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly backlog: Backlog,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly limits: Limits,
  ) {
    metrics.gauge(
      'daybook_database_wait_seconds',
      'Latency of a statement, including its wait for a connection',
      () => this.databaseWait() / 1_000,
    );
  }

  async onApplicationBootstrap(): Promise<void> {
    // A worker serves only health and metrics, which are exempt.
    if (this.limits.ROLE === 'worker') return;
    this.loop.enable();
    this.timer = setInterval(() => this.sample(), SAMPLE_MS).unref();
    // The first request finds the backlog counted, unless the database hangs.
    await withTimeout(this.measureDatabase(), SAMPLE_MS, () => undefined);
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
    this.loop.disable();
  }

  /**
   * Checks the process and the database.
   * @throws Overloaded
   */
  check(): void {
    const { MAX_EVENT_LOOP_LAG, MAX_DATABASE_WAIT } = this.limits;
    if (this.loopLagMs > MAX_EVENT_LOOP_LAG) this.shed('event-loop', 'The process is overloaded.', this.loopLagMs);
    const waitMs = this.databaseWait();
    if (waitMs > MAX_DATABASE_WAIT) this.shed('database', 'The database is overloaded.', waitMs);
  }

  private shed(reason: string, why: string, retryAfterMs: number): never {
    this.metrics.shed.inc({ reason });
    throw new Overloaded(why, Math.ceil(retryAfterMs / 1_000));
  }

  /** Includes the running statement, because one that hangs would otherwise be reported with the latency before it. */
  private databaseWait(): number {
    const runningMs = this.startedAtMs === null ? 0 : performance.now() - this.startedAtMs;
    return Math.max(this.databaseWaitMs, runningMs);
  }

  private sample(): void {
    this.loopLagMs = this.loop.count > 0 ? Math.max(0, this.loop.mean / 1e6 - LOOP_RESOLUTION_MS) : 0;
    this.loop.reset();
    if (this.startedAtMs === null) void this.measureDatabase();
  }

  private async measureDatabase(): Promise<void> {
    this.startedAtMs = performance.now();
    // An unavailable database is not overload: the statements of the requests themselves fail with 503.
    const succeeded = await this.backlog.count().then(
      () => true,
      () => false,
    );
    this.databaseWaitMs = succeeded ? performance.now() - this.startedAtMs : 0;
    this.startedAtMs = null;
  }
}
