import { Injectable, Logger } from '@nestjs/common';
import { Batcher } from '../../platform/concurrency/batcher.js';
import { withinTimeBudget } from '../../platform/concurrency/time-budget.js';
import { type Breaker, CLOSED, breaker, isPristine } from './breaker.js';
import { BreakerStore, type DestinationEvent } from './breaker.store.js';

/** Idle breakers are deleted after this time. Otherwise callers could fill the table and the memory with destinations. */
const IDLE_MS = 86_400_000;
const FORGET_BATCH = 500;
const FORGET_BUDGET_MS = 500;
const FORGET_EVERY_MS = 60_000;

/**
 * The breakers as this process knows them (docs/state-machines.md). Postgres has the shared state, to which all workers report
 * their events. An event is also applied here at once, so that a queue stops with the failure that opens the breaker instead
 * of a round trip later. A destination without failures costs no memory and no write.
 */
@Injectable()
export class Breakers {
  private readonly logger = new Logger(Breakers.name);
  private readonly known = new Map<string, { state: Breaker; changedAtMs: number }>();
  /** Events that are not in Postgres yet, in order. */
  private readonly unreported = new Map<string, DestinationEvent[]>();
  private readonly reports = new Batcher<DestinationEvent, void>(async (events) => {
    await this.apply(events);
    return events.map(() => undefined);
  });

  private nextForgetMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly store: BreakerStore) {}

  /** Takes over the state of a breaker from Postgres, plus the events that are not reported yet. */
  learn(destination: string, stored: Breaker): void {
    const events = this.unreported.get(destination) ?? [];
    this.keep(
      destination,
      events.reduce((state, { event }) => breaker(state, event, new Date()), stored),
    );
  }

  get(destination: string): Breaker {
    return this.known.get(destination)?.state ?? CLOSED;
  }

  /** Whether attempts need no probe. */
  isClosed(destination: string): boolean {
    return this.get(destination).state === 'closed';
  }

  /** Reports the outcome of an attempt. It is applied here at once and in Postgres in the background. */
  report(destination: string, event: 'success' | 'failure'): void {
    const before = this.get(destination);
    if (event === 'success' && isPristine(before)) return;
    const after = breaker(before, event, new Date());
    this.keep(destination, after);
    if (before.state === 'closed' && after.state === 'open') {
      this.logger.warn(`${destination} failed ${after.failures} times in a row; its breaker is open`);
    }
    const report = { destination, event };
    this.unreported.set(destination, [...(this.unreported.get(destination) ?? []), report]);
    this.reports.submit(report).catch((error: unknown) => {
      this.dropUnreported([report]);
      this.logger.warn(`A ${event} at ${destination} was not recorded: ${String(error)}`);
    });
  }

  /** Requests the probe of a destination that is not closed. @returns False when another worker has it or it is too early. */
  async mayProbe(destination: string): Promise<boolean> {
    const after = (await this.store.apply([{ destination, event: 'probe' }])).get(destination)!;
    this.learn(destination, after);
    return after.isGranted || after.state === 'closed';
  }

  /** Deletes breakers that have been idle for a day, here and in Postgres, at most once a minute. Called by every sweep. */
  async forgetIdle(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs < this.nextForgetMs) return;
    this.nextForgetMs = nowMs + FORGET_EVERY_MS;
    for (const [destination, { changedAtMs }] of this.known) {
      if (changedAtMs < nowMs - IDLE_MS) this.known.delete(destination);
    }
    await withinTimeBudget(
      FORGET_BUDGET_MS,
      async () => (await this.store.forgetIdle(IDLE_MS, FORGET_BATCH)) === FORGET_BATCH,
    );
  }

  private async apply(events: DestinationEvent[]): Promise<void> {
    const after = await this.store.apply(events);
    this.dropUnreported(events);
    for (const [destination, stored] of after) this.learn(destination, stored);
  }

  private dropUnreported(events: DestinationEvent[]): void {
    for (const dropped of events) {
      const left = (this.unreported.get(dropped.destination) ?? []).filter((event) => event !== dropped);
      if (left.length > 0) this.unreported.set(dropped.destination, left);
      else this.unreported.delete(dropped.destination);
    }
  }

  private keep(destination: string, state: Breaker): void {
    if (isPristine(state)) this.known.delete(destination);
    else this.known.set(destination, { state, changedAtMs: performance.now() });
  }
}
