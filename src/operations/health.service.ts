import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { withTimeout } from '../platform/concurrency/timeout.js';
import { Backlog } from '../jobs/accept/backlog.service.js';
import { Heartbeat } from '../jobs/workers/heartbeat.js';

export interface Health {
  status: 'ok' | 'degraded';
  /** Unfinished async requests. */
  queue_depth: number | null;
  /** Worker processes that are alive. */
  active_workers: number | null;
  db_connected: boolean;
  uptime_seconds: number;
}

type Figures = Omit<Health, 'uptime_seconds'>;

/** The database is asked at most this often, however often health is asked for. */
const FRESH_MS = 500;
/** A database that takes longer counts as away: health must answer while the pool is waiting for it. */
const PATIENCE_MS = 1_000;
const AWAY: Figures = { status: 'degraded', queue_depth: null, active_workers: null, db_connected: false };

/** How this process is. It stays alive without its database, and says so. */
@Injectable()
export class HealthService implements OnApplicationShutdown {
  private figures: Promise<Figures> | null = null;
  private askedAtMs = Number.NEGATIVE_INFINITY;
  private isStopping = false;

  constructor(
    private readonly heartbeat: Heartbeat,
    private readonly backlog: Backlog,
  ) {}

  async health(): Promise<Health> {
    const now = performance.now();
    if (!this.figures || now - this.askedAtMs > FRESH_MS) {
      this.askedAtMs = now;
      this.figures = this.ask();
    }
    return { ...(await this.figures), uptime_seconds: Math.round(process.uptime()) };
  }

  /** Whether requests should be sent here. */
  async isReady(): Promise<boolean> {
    return !this.isStopping && (await this.health()).db_connected;
  }

  /** From now on readiness says no, so that balancers send nothing more. */
  beginShutdown(): void {
    this.isStopping = true;
  }

  onApplicationShutdown(): void {
    this.beginShutdown();
  }

  private async ask(): Promise<Figures> {
    const asked = Promise.all([this.backlog.countPending(), this.heartbeat.countAlive()]).then(
      ([queue_depth, active_workers]): Figures => ({ status: 'ok', queue_depth, active_workers, db_connected: true }),
      () => AWAY,
    );
    return withTimeout(asked, PATIENCE_MS, () => AWAY);
  }
}
