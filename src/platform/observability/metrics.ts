import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';

/** What this process counts for Prometheus. Features add to it; `GET /metrics` shows it. */
@Injectable()
export class Metrics {
  readonly registry = new Registry();

  readonly localRateLimits = new Counter({
    name: 'daybook_rate_limit_fallback_total',
    help: 'Requests whose quota this process counted alone because Redis could not be used',
    registers: [this.registry],
  });

  readonly shed = new Counter({
    name: 'daybook_shed_total',
    help: 'Requests turned away because the whole had too much to do, by what: backlog, event-loop, database',
    labelNames: ['reason'],
    registers: [this.registry],
  });

  readonly callbackAttempts = new Counter({
    name: 'daybook_callback_attempts_total',
    help: 'Attempts to deliver a callback, by what became of them: success, or the kind of failure',
    labelNames: ['outcome'],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** A figure that is asked for when it is shown. `ask` may leave it out by giving null. */
  gauge(name: string, help: string, ask: () => number | null | Promise<number | null>): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [this.registry],
      collect: async () => {
        const value = await ask();
        if (value === null) gauge.reset();
        else gauge.set(value);
      },
    });
  }
}
