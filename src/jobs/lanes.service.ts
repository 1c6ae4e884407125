import { Injectable } from '@nestjs/common';
import { WorkQueue } from '../queue/work-queue.js';
import { LanesStore, type LaneView } from './lanes.store.js';

/** What operators see of lanes and do with them. */
@Injectable()
export class LanesService {
  constructor(
    private readonly store: LanesStore,
    private readonly queue: WorkQueue,
  ) {}

  /** @param after The last lane of the page before; empty for the first. */
  list(after: string, limit: number): Promise<LaneView[]> {
    return this.store.list(after, limit);
  }

  /** A paused lane goes on taking requests. The one in hand is finished; within a turn no further one begins. */
  async setPaused(lane: string, paused: boolean): Promise<LaneView> {
    await this.store.setPaused(lane, paused);
    if (!paused) this.queue.wake('jobs');
    return (await this.store.find(lane))!;
  }

  async setPriority(lane: string, priority: number): Promise<LaneView> {
    await this.store.setPriority(lane, priority);
    return (await this.store.find(lane))!;
  }
}
