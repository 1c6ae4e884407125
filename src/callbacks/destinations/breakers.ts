import { Injectable, Logger } from '@nestjs/common';
import { Batcher } from '../../platform/concurrency/batcher.js';
import { withinTimeBudget } from '../../platform/concurrency/time-budget.js';
import { type Breaker, CLOSED, breaker, isPristine } from './breaker.js';
import { type DestinationEvent, DestinationStore } from './destination.store.js';

/** What has been idle for so long is forgotten: else whoever names destinations would fill the table, and the memory. */
const IDLE_MS = 86_400_000;
const FORGET_BATCH = 500;
const FORGET_BUDGET_MS = 500;
/** How often it is looked for. */
const FORGET_EVERY_MS = 60_000;

/**
 * What this process knows of its destinations. The truth is in Postgres, where all workers tell what they saw; here it is
 * judged at once, so that a stream ends with the failure that opens its breaker and not a round trip later. Of a
 * destination that works nothing is kept and nothing is written.
 */
@Injectable()
export class Breakers {
  private readonly logger = new Logger(Breakers.name);
  private readonly known = new Map<string, { state: Breaker; heardAtMs: number }>();
  /** Events that are not in Postgres yet, in order. */
  private readonly untold = new Map<string, DestinationEvent[]>();
  private readonly telling = new Batcher<DestinationEvent, void>(async (events) => {
    await this.tell(events);
    return events.map(() => undefined);
  });

  private forgetsAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly store: DestinationStore) {}

  /** How a destination stands, as Postgres has it; what was seen here since comes on top. */
  learn(destination: string, told: Breaker): void {
    const events = this.untold.get(destination) ?? [];
    this.keep(
      destination,
      events.reduce((state, { event }) => breaker(state, event, new Date()), told),
    );
  }

  get(destination: string): Breaker {
    return this.known.get(destination)?.state ?? CLOSED;
  }

  /** Whether attempts may follow one another freely. */
  isClosed(destination: string): boolean {
    return this.get(destination).state === 'closed';
  }

  /** An attempt has ended so. */
  note(destination: string, event: 'success' | 'failure'): void {
    const before = this.get(destination);
    if (event === 'success' && isPristine(before)) return;
    const after = breaker(before, event, new Date());
    this.keep(destination, after);
    if (before.state === 'closed' && after.state === 'open') {
      this.logger.warn(`${destination} has failed ${after.failures} times in a row; its callbacks wait`);
    }
    const told = { destination, event };
    this.untold.set(destination, [...(this.untold.get(destination) ?? []), told]);
    this.telling.submit(told).catch((error: unknown) => {
      this.forgetUntold([told]);
      this.logger.warn(`What happened at ${destination} is not on record: ${String(error)}`);
    });
  }

  /** Asks for the one probe of a destination that is not closed. False: another worker has it, or it is not time. */
  async mayProbe(destination: string): Promise<boolean> {
    const after = (await this.store.tell([{ destination, event: 'probe' }])).get(destination)!;
    this.learn(destination, after);
    return after.isGranted || after.state === 'closed';
  }

  /** Forgets destinations that have been idle for a day, here and in Postgres. Called by every sweep. */
  async forgetIdle(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs < this.forgetsAtMs) return;
    this.forgetsAtMs = nowMs + FORGET_EVERY_MS;
    for (const [destination, { heardAtMs }] of this.known) {
      if (heardAtMs < nowMs - IDLE_MS) this.known.delete(destination);
    }
    await withinTimeBudget(
      FORGET_BUDGET_MS,
      async () => (await this.store.forgetIdle(IDLE_MS, FORGET_BATCH)) === FORGET_BATCH,
    );
  }

  private async tell(events: DestinationEvent[]): Promise<void> {
    const after = await this.store.tell(events);
    this.forgetUntold(events);
    for (const [destination, told] of after) this.learn(destination, told);
  }

  private forgetUntold(events: DestinationEvent[]): void {
    for (const told of events) {
      const left = (this.untold.get(told.destination) ?? []).filter((event) => event !== told);
      if (left.length > 0) this.untold.set(told.destination, left);
      else this.untold.delete(told.destination);
    }
  }

  private keep(destination: string, state: Breaker): void {
    if (isPristine(state)) this.known.delete(destination);
    else this.known.set(destination, { state, heardAtMs: performance.now() });
  }
}
