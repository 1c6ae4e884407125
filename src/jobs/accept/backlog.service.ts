import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { MoreThan, type Repository } from 'typeorm';
import { Throughput } from '../../platform/concurrency/throughput.js';
import { Lane } from '../lanes/lane.entity.js';
import { retryAfterS } from './retry-after.js';

/**
 * The unfinished async requests of all lanes, as this process estimates them: the last count in the database, plus the
 * requests that this process has accepted since.
 */
@Injectable()
export class Backlog {
  private counted = 0;
  private accepted = 0;
  private hasCounted = false;
  private readonly throughput = new Throughput();

  constructor(@InjectRepository(Lane) private readonly lanes: Repository<Lane>) {}

  get pending(): number {
    return this.counted + this.accepted;
  }

  /** Counts the unfinished async requests of the whole installation. @throws DatabaseUnavailable */
  async countPending(): Promise<number> {
    return (await this.lanes.sum('pending', { pending: MoreThan(0) })) ?? 0;
  }

  add(accepted: number): void {
    this.accepted += accepted;
  }

  /** Seconds until a tenth of the limit is free, at the recent throughput of all lanes together. */
  retryAfterS(maxPending: number): number {
    return retryAfterS(maxPending, this.throughput.perS());
  }

  /** Updates the estimate from the database. @throws DatabaseUnavailable */
  async count(): Promise<void> {
    const [before, accepted] = [this.counted, this.accepted];
    this.counted = await this.countPending();
    this.accepted -= accepted;
    // Requests accepted by other processes hide finished ones. At the limit no process accepts any, so the throughput is
    // right when it matters.
    if (this.hasCounted) this.throughput.add(Math.max(0, before + accepted - this.counted));
    this.hasCounted = true;
  }
}
