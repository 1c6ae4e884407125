import { Inject, Injectable, Logger } from '@nestjs/common';
import { Batcher } from '../../platform/concurrency/batcher.js';
import { removeWithinTimeBudget } from '../../platform/concurrency/time-budget.js';
import { UrlGuard } from '../url-guard/url-guard.js';
import { type Breaker, CLOSED, breaker, isLongFailing, isPristine } from './breaker.js';
import { BreakerStore, type TargetEvent } from './breaker.store.js';
import { type Target, targetKey } from './target.js';

/** Idle breakers are deleted after this time. Otherwise callers could fill the table and the memory with destinations. */
const IDLE_MS = 86_400_000;
const FORGET_BATCH = 500;
const FORGET_BUDGET_MS = 500;
const FORGET_EVERY_MS = 60_000;

/**
 * The breakers of targets as this process knows them (docs/state-machines.md). Postgres has the shared state, to which all workers report
 * their events. An event is also applied here at once, so that a queue stops with the failure that opens the breaker instead
 * of a round trip later. A destination without failures costs no memory and no write. The demo receiver has no breaker: its
 * failures are meant, and trying them out must show the retry schedule.
 */
@Injectable()
export class Breakers {
  private readonly logger = new Logger(Breakers.name);
  private readonly known = new Map<string, { state: Breaker; changedAtMs: number }>();
  /** Events that are not in Postgres yet, in order. */
  private readonly unreported = new Map<string, TargetEvent[]>();
  private readonly reports = new Batcher<TargetEvent, void>(async (events) => {
    await this.apply(events);
    return events.map(() => undefined);
  });

  private nextForgetMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly store: BreakerStore,
    @Inject(UrlGuard) private readonly guard: Pick<UrlGuard, 'isDemoDestination'>,
  ) {}

  /** Takes over the state of a breaker from Postgres, plus the events that are not reported yet. */
  learn(target: Target, stored: Breaker): void {
    const key = targetKey(target);
    const events = this.unreported.get(key) ?? [];
    this.keep(
      key,
      events.reduce((state, { event }) => breaker(state, event, new Date()), stored),
    );
  }

  get(target: Target): Breaker {
    return this.known.get(targetKey(target))?.state ?? CLOSED;
  }

  /** Whether attempts need no probe. */
  isClosed(target: Target): boolean {
    return this.get(target).state === 'closed';
  }

  /** Whether a probe is a time slice of attempts; see {@link isLongFailing}. */
  isLongFailing(target: Target): boolean {
    return isLongFailing(this.get(target), new Date());
  }

  /** Reports the outcome of an attempt. It is applied here at once and in Postgres in the background. */
  report({ accountId, destination }: Target, event: 'success' | 'failure'): void {
    const report: TargetEvent = { accountId, destination, event };
    const key = targetKey(report);
    const before = this.get(report);
    if (event === 'success' ? isPristine(before) : this.guard.isDemoDestination(destination)) return;
    const after = breaker(before, event, new Date());
    this.keep(key, after);
    if (before.state === 'closed' && after.state === 'open') {
      this.logger.warn(`${destination} failed ${after.failures} times in a row; its breaker is open`);
    }
    this.unreported.set(key, [...(this.unreported.get(key) ?? []), report]);
    this.reports.submit(report).catch((error: unknown) => {
      this.dropUnreported([report]);
      this.logger.warn(`A ${event} at ${destination} was not recorded: ${String(error)}`);
    });
  }

  /** Requests the probe of a target that is not closed. @returns False when another worker has it or it is too early. */
  async mayProbe({ accountId, destination }: Target): Promise<boolean> {
    const probe: TargetEvent = { accountId, destination, event: 'probe' };
    const after = (await this.store.apply([probe])).get(targetKey(probe))!;
    this.learn(probe, after);
    return after.isGranted || after.state === 'closed';
  }

  /** Deletes breakers that have been idle for a day, here and in Postgres, at most once a minute. Called by every sweep. */
  async forgetIdle(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs < this.nextForgetMs) return;
    this.nextForgetMs = nowMs + FORGET_EVERY_MS;
    for (const [key, { changedAtMs }] of this.known) {
      if (changedAtMs < nowMs - IDLE_MS) this.known.delete(key);
    }
    await removeWithinTimeBudget(FORGET_BUDGET_MS, FORGET_BATCH, (limit) => this.store.forgetIdle(IDLE_MS, limit));
  }

  private async apply(events: TargetEvent[]): Promise<void> {
    const after = await this.store.apply(events);
    this.dropUnreported(events);
    for (const stored of after.values()) this.learn(stored, stored);
  }

  private dropUnreported(events: TargetEvent[]): void {
    for (const dropped of events) {
      const key = targetKey(dropped);
      const left = (this.unreported.get(key) ?? []).filter((event) => event !== dropped);
      if (left.length > 0) this.unreported.set(key, left);
      else this.unreported.delete(key);
    }
  }

  private keep(key: string, state: Breaker): void {
    if (isPristine(state)) this.known.delete(key);
    else this.known.set(key, { state, changedAtMs: performance.now() });
  }
}
