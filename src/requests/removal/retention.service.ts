import { Inject, Injectable } from '@nestjs/common';
import { NIL as NIL_ID } from 'uuid';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { withinTimeBudget } from '../../platform/concurrency/time-budget.js';
import { timeOfId } from '../../platform/ids.js';
import { RemovalStore } from './removal.store.js';
import { ResultFiles } from '../result-files.js';

/** Requests of one transaction. A crash leaves up to this many requests without their file until the next sweep. */
const BATCH = 500;
/** Time that one sweep spends on deleting, so that deleting keeps up with any throughput. */
const BUDGET_MS = 500;
/** Pause after the last expired request was deleted, or after an error. */
const REST_MS = 60_000;

/** Deletes finished requests by age, with their callbacks and files. Requests with a callback due are left. */
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
   * Deletes expired requests for up to half a second. The sweep of every worker calls it; one worker deletes at a time.
   * @throws StorageUnavailable, DatabaseUnavailable: a later sweep continues.
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

  /** Whether a request with this id is past its retention, if it finished when it was accepted. */
  isPast(id: string): boolean {
    const { RETENTION } = this.config;
    const givenAt = timeOfId(id);
    return RETENTION !== null && givenAt !== null && givenAt.getTime() < Date.now() - RETENTION;
  }
}
