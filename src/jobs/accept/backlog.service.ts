import { Injectable } from '@nestjs/common';
import { Throughput } from '../../platform/concurrency/throughput.js';
import { BacklogStore } from './backlog.store.js';
import { retryAfterS } from './retry-after.js';

/**
 * What waits in all lanes together, as far as this process knows: counted in the database now and then, and since then
 * what it has accepted itself.
 */
@Injectable()
export class Backlog {
  private counted = 0;
  private accepted = 0;
  private isCounted = false;
  private readonly drain = new Throughput();

  constructor(private readonly store: BacklogStore) {}

  get pending(): number {
    return this.counted + this.accepted;
  }

  /** Unfinished async requests of the whole installation, counted now. @throws DatabaseUnavailable */
  countPending(): Promise<number> {
    return this.store.pending();
  }

  add(accepted: number): void {
    this.accepted += accepted;
  }

  /** When there will be room for a tenth of the limit, at the speed at which all lanes together were drained lately. */
  retryAfterS(maxPending: number): number {
    return retryAfterS(maxPending, this.drain.perS());
  }

  /** Counts in the database. @throws DatabaseUnavailable */
  async count(): Promise<void> {
    const [before, accepted] = [this.counted, this.accepted];
    this.counted = await this.store.pending();
    this.accepted -= accepted;
    // What other processes accept hides what was drained; once the limit is reached nobody accepts anything.
    if (this.isCounted) this.drain.add(Math.max(0, before + accepted - this.counted));
    this.isCounted = true;
  }
}
