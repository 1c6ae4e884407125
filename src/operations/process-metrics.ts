import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server, ServerResponse } from 'node:http';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Counter } from 'prom-client';
import { Database } from '../platform/database/database.js';
import { Metrics } from '../platform/observability/metrics.js';
import { HealthService } from './health.service.js';

/** Node tells of every response that a server of this process has ended, which costs less than a listener on each. */
const FINISHED = 'http.server.response.finish';

/** The figures of this process that nobody has to count but their owner. */
@Injectable()
export class ProcessMetrics implements OnApplicationShutdown {
  private readonly responses = new Map<number, number>();

  constructor(
    metrics: Metrics,
    database: Database,
    health: HealthService,
    private readonly adapterHost: HttpAdapterHost,
  ) {
    const requests = new Counter({
      name: 'daybook_http_requests_total',
      help: 'Requests answered, by status',
      labelNames: ['status'],
      registers: [metrics.registry],
      collect: () => {
        requests.reset();
        for (const [status, count] of this.responses) requests.inc({ status }, count);
      },
    });
    const depth = async (): Promise<number | null> => (await health.health()).queue_depth;
    metrics.gauge('daybook_pending_requests', 'Unfinished async requests of the installation, over all lanes', depth);
    metrics.gauge('daybook_database_connections_open', 'Connections to Postgres', () => database.connections.open);
    metrics.gauge('daybook_database_connections_idle', 'Connections that do nothing', () => database.connections.idle);
    metrics.gauge(
      'daybook_database_statements_waiting',
      'Statements that wait for a connection',
      () => database.connections.waiting,
    );
    subscribe(FINISHED, this.onFinished);
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
