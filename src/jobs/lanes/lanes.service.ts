import { Injectable } from '@nestjs/common';
import { type AccountId, laneName, qualifiedLane } from '../../platform/tenant.js';
import { WorkQueue } from '../../queue/work-queue.js';
import { LanesStore, type LaneView } from './lanes.store.js';

/** What is seen of lanes and done with them: an account's own, or all of an open installation. */
@Injectable()
export class LanesService {
  constructor(
    private readonly store: LanesStore,
    private readonly queue: WorkQueue,
  ) {}

  /**
   * @param after The last lane of the page before; empty for the first.
   * @param isOperator Whether to show which worker holds a lane.
   */
  async list(account: AccountId, after: string, limit: number, isOperator: boolean): Promise<LaneView[]> {
    if (account === null) return this.store.list(after, limit);
    const lanes = await this.store.listOwn(account, qualifiedLane(account, after), limit);
    return lanes.map((lane) => ownView(lane, isOperator));
  }

  /** A paused lane goes on taking requests. The one in hand is finished; within a turn no further one begins. */
  async setPaused(account: AccountId, lane: string, paused: boolean, isOperator: boolean): Promise<LaneView> {
    const qualified = qualifiedLane(account, lane);
    await this.store.setPaused(qualified, paused);
    if (!paused) this.queue.wake('jobs');
    return ownView((await this.store.find(qualified))!, isOperator);
  }

  /** For operators only. */
  async setPriority(account: AccountId, lane: string, priority: number): Promise<LaneView> {
    const qualified = qualifiedLane(account, lane);
    await this.store.setPriority(qualified, priority);
    return ownView((await this.store.find(qualified))!, true);
  }
}

/** Who holds a lane tells of hosts and processes, which are no tenant's business. */
function ownView(view: LaneView, isOperator: boolean): LaneView {
  return { ...view, lane: laneName(view.lane), held_by: isOperator ? view.held_by : null };
}
