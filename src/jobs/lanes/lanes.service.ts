import { Injectable } from '@nestjs/common';
import { type AccountId, qualifiedLane } from '../../platform/tenant.js';
import { WorkQueue } from '../../queue/work-queue.js';
import { LaneRepository, type LaneView } from './lane.repository.js';

/** Shows and configures lanes: those of one account, or all lanes with `AUTH=open`. */
@Injectable()
export class LanesService {
  constructor(
    private readonly lanes: LaneRepository,
    private readonly queue: WorkQueue,
  ) {}

  /**
   * Returns a page of lanes by name.
   * @param after The last lane of the previous page; empty for the first.
   * @param isOperator Whether to show which worker has leased a lane.
   */
  list(account: AccountId, after: string, limit: number, isOperator: boolean): Promise<LaneView[]> {
    return this.lanes.list(account, after, limit, isOperator);
  }

  /**
   * Pauses or resumes a lane. A paused lane still accepts requests; a worker that has leased it stops at the end of its time
   * slice at the latest.
   * @returns What was written, and no more: the caller may lack the scope to read lanes.
   */
  async setPaused(account: AccountId, lane: string, paused: boolean): Promise<{ lane: string; paused: boolean }> {
    await this.lanes.setPaused(qualifiedLane(account, lane), paused);
    if (!paused) this.queue.wake('jobs');
    return { lane, paused };
  }

  /** Sets the priority of a lane, for operators only. */
  async setPriority(account: AccountId, lane: string, priority: number): Promise<{ lane: string; priority: number }> {
    await this.lanes.setPriority(qualifiedLane(account, lane), priority);
    return { lane, priority };
  }
}
