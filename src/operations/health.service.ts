import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { OutageCause } from '../platform/database/outage-cause.js';
import { DatabaseUnavailable } from '../platform/database/outages.js';
import { DatabaseStateStore } from './database-state.store.js';
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

type Figures = Omit<Health, 'uptime_seconds'>;

/** Why a process should receive no requests. */
export type NotReady = 'stopping' | 'disk-low' | `database-${OutageCause}`;

/** The figures, and why Postgres cannot serve requests; null if it can. */
interface Reading {
  figures: Figures;
  outage: OutageCause | null;
}

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
const disconnected = (outage: OutageCause): Reading => ({ figures: DISCONNECTED, outage });

/** Health of this process. Without its database it is degraded, but alive. */
@Injectable()
export class HealthService implements OnApplicationShutdown {
  private reading: Promise<Reading> | null = null;
  private readAtMs = Number.NEGATIVE_INFINITY;
  private isStopping = false;

  constructor(
    private readonly heartbeat: Heartbeat,
    private readonly backlog: Backlog,
    private readonly databaseState: DatabaseStateStore,
    private readonly disk: FreeDisk,
  ) {}

  async health(): Promise<Health> {
    const { figures } = await this.read();
    return { ...figures, uptime_seconds: Math.round(process.uptime()) };
  }

  /** @returns Why load balancers should send no requests to this process; null if they should. */
  async notReady(): Promise<NotReady | null> {
    if (this.isStopping) return 'stopping';
    const { outage } = await this.read();
    if (outage !== null) return `database-${outage}`;
    return this.disk.isLow ? 'disk-low' : null;
  }

  /** Makes readiness fail, so that load balancers stop sending requests. */
  beginShutdown(): void {
    this.isStopping = true;
  }

  onApplicationShutdown(): void {
    this.beginShutdown();
  }

  private read(): Promise<Reading> {
    const now = performance.now();
    if (!this.reading || now - this.readAtMs > FRESH_MS) {
      this.readAtMs = now;
      this.reading = this.readFigures();
    }
    return this.reading;
  }

  private readFigures(): Promise<Reading> {
    const counts = [this.backlog.countPending(), this.heartbeat.count(), this.databaseState.read()] as const;
    const reading = Promise.all(counts).then(
      ([queue_depth, { busy, alive }, { isReadOnly }]): Reading => ({
        figures: {
          status: isReadOnly ? 'degraded' : 'ok',
          queue_depth,
          active_workers: busy,
          workers: alive,
          db_connected: true,
        },
        outage: isReadOnly ? 'read-only' : null,
      }),
      (error: unknown) => disconnected(error instanceof DatabaseUnavailable ? error.reason : 'system-error'),
    );
    return withTimeout(reading, DATABASE_TIMEOUT_MS, () => disconnected('timeout'));
  }
}
