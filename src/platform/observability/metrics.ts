import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';

/** The Prometheus metrics of this process. Features add their own; `GET /metrics` returns them. */
@Injectable()
export class Metrics {
  readonly registry = new Registry();

  readonly localRateLimits = new Counter({
    name: 'daybook_rate_limit_fallback_total',
    help: 'Requests that this process rate-limited by itself because Redis was unavailable',
    registers: [this.registry],
  });

  readonly shed = new Counter({
    name: 'daybook_shed_total',
    help: 'Requests rejected because of overload, by reason: backlog, disk, event-loop, database',
    labelNames: ['reason'],
    registers: [this.registry],
  });

  readonly callbackAttempts = new Counter({
    name: 'daybook_callback_attempts_total',
    help: 'Callback attempts by outcome: success, or the kind of failure',
    labelNames: ['outcome'],
    registers: [this.registry],
  });

  readonly mailAttempts = new Counter({
    name: 'daybook_mail_attempts_total',
    help: 'Attempts to send a message by outcome: sent, retried, failed',
    labelNames: ['outcome'],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Adds a gauge whose value is read when metrics are requested. It is omitted while `read` returns null. */
  gauge(name: string, help: string, read: () => number | null | Promise<number | null>): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [this.registry],
      collect: async () => {
        const value = await read();
        if (value === null) gauge.reset();
        else gauge.set(value);
      },
    });
  }
}
