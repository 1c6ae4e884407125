import { Inject, Injectable } from '@nestjs/common';
import { NIL as NIL_ID } from 'uuid';
import { CONFIG, type Config } from '../platform/config/config.js';
import { withinTimeBudget } from '../platform/concurrency/time-budget.js';
import { timeOfId } from '../platform/ids.js';
import { RemovalStore } from './removal.store.js';
import { ResultFiles } from './result-files.js';

/** Requests that go together: what a crash in between leaves without a file, and some tens of milliseconds of work. */
const BATCH = 500;
/** One sweep spends so long on it, so that what is finished any faster than a batch a sweep goes as fast as it comes. */
const BUDGET_MS = 500;
/** When nothing more was old enough, or nothing could be deleted, it is looked again after this. */
const REST_MS = 60_000;

/** Deletes finished requests by age, with their deliveries, logs and files. Nothing unfinished or owed is touched. */
@Injectable()
export class RetentionService {
  private afterId: string = NIL_ID;
  private restsUntilMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly store: RemovalStore,
    private readonly files: ResultFiles,
    @Inject(CONFIG) private readonly config: Pick<Config, 'RETENTION'>,
  ) {}

  /**
   * Deletes what there is to delete, as much as goes in half a second. Called by every worker's sweep; of several workers one
   * deletes at a time.
   * @throws StorageUnavailable, DatabaseUnavailable: what is left goes later.
   */
  async removeSome(): Promise<void> {
    const { RETENTION } = this.config;
    const nowMs = performance.now();
    if (RETENTION === null || nowMs < this.restsUntilMs) return;
    this.restsUntilMs = nowMs + REST_MS;
    await withinTimeBudget(BUDGET_MS, async () => {
      const batch = await this.store.removeExpired(RETENTION, this.afterId, BATCH, (keys) => this.files.remove(keys));
      const isLast = batch?.nextAfterId === null;
      this.restsUntilMs = isLast ? nowMs + REST_MS : nowMs;
      if (batch) this.afterId = batch.nextAfterId ?? NIL_ID;
      return batch !== null && !isLast;
    });
  }

  /** Whether a request with this id would have been deleted by now, had it been finished at once. */
  isPast(id: string): boolean {
    const { RETENTION } = this.config;
    const givenAt = timeOfId(id);
    return RETENTION !== null && givenAt !== null && givenAt.getTime() < Date.now() - RETENTION;
  }
}
