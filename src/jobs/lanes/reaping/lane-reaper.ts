import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { withinTimeBudget } from '../../../platform/concurrency/time-budget.js';
import { CONFIG, type Config } from '../../../platform/config/config.js';
import { LaneReaperStore } from './lane-reaper.store.js';

/** Lanes that are looked at together. */
const BATCH = 500;
/** Time that one sweep spends on reaping. */
const BUDGET_MS = 500;
/** Pause after the last idle lane was looked at. */
const REST_MS = 60_000;
/** Time that writers of lanes get to end. Accepting and completing take milliseconds. */
const PATIENCE_MS = 2_000;
const CHECK_INTERVAL_MS = 20;

/**
 * Deletes lanes that were idle for `RETENTION` and have no request left. No position of a name is given twice: before an
 * account's lanes are deleted, the first position of its new lanes is raised behind theirs (`reaped_lanes`).
 *
 * An accept reads the first position in its snapshot and inserts the lane later. One that began before the raise could
 * insert a lane after its deletion, with the old first position. Therefore the deletion waits until every transaction
 * that wrote lanes at the time of the raise has ended, as CREATE INDEX CONCURRENTLY does.
 */
@Injectable()
export class LaneReaper {
  private after = '';
  private restsUntilMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly store: LaneReaperStore,
    @Inject(CONFIG) private readonly config: Pick<Config, 'RETENTION'>,
  ) {}

  /** Reaps for up to half a second. @throws DatabaseUnavailable: a later sweep continues. */
  async reapSome(): Promise<void> {
    const { RETENTION } = this.config;
    const nowMs = performance.now();
    if (RETENTION === null || nowMs < this.restsUntilMs) return;
    await withinTimeBudget(BUDGET_MS, async () => {
      const idle = await this.store.findIdle(RETENTION, this.after, BATCH);
      const hasMore = idle.length === BATCH;
      this.after = hasMore ? idle.at(-1)!.name : '';
      if (!hasMore) this.restsUntilMs = nowMs + REST_MS;
      const unused = idle.filter(({ isUnused }) => isUnused).map(({ name }) => name);
      if (unused.length > 0) await this.reap(unused, RETENTION);
      return hasMore;
    });
  }

  private async reap(lanes: string[], idleMs: number): Promise<void> {
    await this.store.raiseFirstPositions(lanes);
    if (await this.writersHaveEnded()) await this.store.reap(lanes, idleMs);
  }

  /** Waits for the transactions that write lanes now. Returns false if one of them takes too long. */
  private async writersHaveEnded(): Promise<boolean> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    let writers = await this.store.writers();
    while (writers.length > 0) {
      if (performance.now() > deadlineMs) return false;
      await sleep(CHECK_INTERVAL_MS);
      const current = new Set(await this.store.writers());
      writers = writers.filter((id) => current.has(id));
    }
    return true;
  }
}
