import type { IncomingHttpHeaders } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { HISTORY_LIMIT, type DemoCallback, type FailureSettings } from './demo-receiver.schema.js';

/** Injection token of a `() => number` such as `Math.random`. */
export const RANDOM = Symbol('RANDOM');

export interface ReceivedCallback {
  /** `webhook-*`, `x-request-id` and `x-attempt-number`. */
  headers: Record<string, string>;
  body: DemoCallback;
  received_at: string;
}

export interface FailureState {
  enabled: boolean;
  /** Percent. */
  failure_rate: number;
}

const HEADERS_OF_INTEREST = /^(webhook-.*|x-request-id|x-attempt-number)$/;

function headersOfInterest(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => HEADERS_OF_INTEREST.test(name))
      .map(([name, value]) => [name, String(value)]),
  );
}

/** A callback receiver for trying Daybook. It keeps callbacks in memory and can simulate failures. */
@Injectable()
export class DemoReceiverService {
  private received: ReceivedCallback[] = [];
  private total = 0;
  private failures: FailureState = { enabled: false, failure_rate: 100 };

  constructor(@Inject(RANDOM) private readonly random: () => number) {}

  /**
   * Receives a callback. A simulated failure leaves no trace, so the history contains the delivered callbacks only.
   * @returns The callback, or null for a simulated failure.
   */
  receive(headers: IncomingHttpHeaders, body: DemoCallback): ReceivedCallback | null {
    const { enabled, failure_rate } = this.failures;
    if (enabled && this.random() * 100 < failure_rate) return null;
    const callback = { headers: headersOfInterest(headers), body, received_at: new Date().toISOString() };
    this.received.push(callback);
    this.total += 1;
    if (this.received.length > HISTORY_LIMIT) this.received.shift();
    return callback;
  }

  /** @returns The newest `limit` callbacks in order of arrival. `total` also counts those that are no longer kept. */
  history(limit: number): { total: number; callbacks: ReceivedCallback[] } {
    return { total: this.total, callbacks: this.received.slice(-limit) };
  }

  /** Clears the history. @returns The number of callbacks since it was last cleared. */
  clear(): number {
    const { total } = this;
    this.received = [];
    this.total = 0;
    return total;
  }

  failureState(): FailureState {
    return this.failures;
  }

  /** Changes the settings that are given. The default rate is 100 when failures are enabled. @returns The state. */
  simulateFailures({ enabled, failure_rate }: FailureSettings): FailureState {
    if (enabled !== undefined) {
      this.failures = { enabled, failure_rate: failure_rate ?? (enabled ? 100 : this.failures.failure_rate) };
    }
    return this.failures;
  }
}
