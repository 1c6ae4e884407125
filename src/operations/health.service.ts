import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { withTimeout } from '../platform/concurrency/timeout.js';
import { Backlog } from '../jobs/accept/backlog.service.js';
import { FreeDisk } from '../reports/storage/free-disk.js';
import { Heartbeat } from '../jobs/workers/heartbeat.js';

export interface Health {
  status: 'ok' | 'degraded';
  /** Unfinished async requests. */
  queue_depth: number | null;
  /** Live workers that run a lane or a sync request now. */
  active_workers: number | null;
  /** Worker processes that are alive. */
  workers: number | null;
  db_connected: boolean;
  uptime_seconds: number;
}

/** `reason` is absent while the process is ready. */
export interface Readiness {
  ready: boolean;
  reason?: 'stopping' | 'database-unavailable' | 'disk-low';
}

type Figures = Omit<Health, 'uptime_seconds'>;

/** How long figures are reused, so that frequent health checks do not load the database. */
const FRESH_MS = 500;
/** A slower database counts as disconnected, because health must answer while the pool waits for it. */
const DATABASE_TIMEOUT_MS = 1_000;
const DISCONNECTED: Figures = {
  status: 'degraded',
  queue_depth: null,
  active_workers: null,
  workers: null,
  db_connected: false,
};

/** Health of this process. Without its database it is degraded, but alive. */
@Injectable()
export class HealthService implements OnApplicationShutdown {
  private figures: Promise<Figures> | null = null;
  private readAtMs = Number.NEGATIVE_INFINITY;
  private isStopping = false;

  constructor(
    private readonly heartbeat: Heartbeat,
    private readonly backlog: Backlog,
    private readonly disk: FreeDisk,
  ) {}

  async health(): Promise<Health> {
    const now = performance.now();
    if (!this.figures || now - this.readAtMs > FRESH_MS) {
      this.readAtMs = now;
      this.figures = this.readFigures();
    }
    return { ...(await this.figures), uptime_seconds: Math.round(process.uptime()) };
  }

  /** Whether load balancers should send requests to this process, and the reason if not. */
  async readiness(): Promise<Readiness> {
    if (this.isStopping) return { ready: false, reason: 'stopping' };
    if (!(await this.health()).db_connected) return { ready: false, reason: 'database-unavailable' };
    return this.disk.isLow ? { ready: false, reason: 'disk-low' } : { ready: true };
  }

  /** Makes readiness fail, so that load balancers stop sending requests. */
  beginShutdown(): void {
    this.isStopping = true;
  }

  onApplicationShutdown(): void {
    this.beginShutdown();
  }

  private async readFigures(): Promise<Figures> {
    const figures = Promise.all([this.backlog.countPending(), this.heartbeat.count()]).then(
      ([queue_depth, { busy, alive }]): Figures => ({
        status: 'ok',
        queue_depth,
        active_workers: busy,
        workers: alive,
        db_connected: true,
      }),
      () => DISCONNECTED,
    );
    return withTimeout(figures, DATABASE_TIMEOUT_MS, () => DISCONNECTED);
  }
}
