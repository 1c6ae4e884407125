import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server, ServerResponse } from 'node:http';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Counter, Gauge } from 'prom-client';
import { Database } from '../platform/database/database.js';
import { Metrics } from '../platform/observability/metrics.js';
import { QUEUE_NAMES } from '../platform/config/sections/queue.js';
import { QueuePauses } from '../queue/pauses/queue-pauses.service.js';
import { HealthService } from './health.service.js';

/** Node publishes every finished response on this channel, which costs less than a listener on each response. */
const FINISHED = 'http.server.response.finish';

/** Metrics of the process that no feature counts: responses by status, pending requests, database connections. */
@Injectable()
export class ProcessMetrics implements OnApplicationShutdown {
  private readonly responses = new Map<number, number>();

  constructor(
    metrics: Metrics,
    database: Database,
    health: HealthService,
    private readonly pauses: QueuePauses,
    private readonly adapterHost: HttpAdapterHost,
  ) {
    const requests = new Counter({
      name: 'daybook_http_requests_total',
      help: 'HTTP responses by status',
      labelNames: ['status'],
      registers: [metrics.registry],
      collect: () => {
        requests.reset();
        for (const [status, count] of this.responses) requests.inc({ status }, count);
      },
    });
    const depth = async (): Promise<number | null> => (await health.health()).queue_depth;
    metrics.gauge('daybook_pending_requests', 'Unfinished async requests in all lanes', depth);
    metrics.gauge('daybook_database_connections_open', 'Open connections to Postgres', () => database.connections.open);
    metrics.gauge('daybook_database_connections_idle', 'Idle connections to Postgres', () => database.connections.idle);
    metrics.gauge(
      'daybook_database_statements_waiting',
      'Statements waiting for a connection',
      () => database.connections.waiting,
    );
    this.addPaused(metrics);
    subscribe(FINISHED, this.onFinished);
  }

  private addPaused(metrics: Metrics): void {
    const gauge: Gauge<'queue'> = new Gauge({
      name: 'daybook_queue_paused',
      help: 'Whether a queue is paused, for the whole installation',
      labelNames: ['queue'],
      registers: [metrics.registry],
      collect: async () => {
        // Without the database it is not known.
        gauge.reset();
        const paused = await this.pauses.paused().catch(() => null);
        for (const queue of paused ? QUEUE_NAMES : []) gauge.set({ queue }, paused!.has(queue) ? 1 : 0);
      },
    });
  }

  onApplicationShutdown(): void {
    unsubscribe(FINISHED, this.onFinished);
  }

  private readonly onFinished = (message: unknown): void => {
    const { server, response } = message as { server: Server; response: ServerResponse };
    if (server !== this.adapterHost.httpAdapter.getHttpServer()) return;
    this.responses.set(response.statusCode, (this.responses.get(response.statusCode) ?? 0) + 1);
  };
}
