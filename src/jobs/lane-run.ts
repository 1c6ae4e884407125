import { v7 as uuidv7 } from 'uuid';
import { GroupCommit } from '../group-commit.js';
import type { CompletedBatch, Completion, Job, LaneLease } from './jobs.store.js';
import { LaneClock } from './lane-clock.js';
import type { Made } from './report-maker.js';

/** What a {@link LaneRun} needs from the world. */
export interface LaneRunPorts {
  /** Makes a report; a report that fails is a result too. Rejects only when nothing can be made (storage, shutdown). */
  make(job: Job): Promise<Made>;
  /** Makes the files durable and writes the batch. False: the lane is not ours any more, and nothing was written. */
  commit(batch: CompletedBatch): Promise<boolean>;
  destinationOf(callbackUrl: string): string;
  /** Whether to go on with the next request. */
  mayContinue(): boolean;
}

/**
 * Makes the requests of one lane we hold, one after the other in order. Completions are written together: while one
 * batch is being committed the next reports are already made, and a lone long report waits for nobody.
 */
export class LaneRun {
  private readonly clock: LaneClock;
  private readonly commits = new GroupCommit<Completion, boolean>(async (completions) => {
    const isHeld = await this.commit(completions);
    return completions.map(() => isHeld);
  });
  private current: { id: string; startedAt: Date } | null = null;
  private committedAt = performance.now();
  private isEnding = false;
  private isBroken = false;

  constructor(
    lane: LaneLease,
    private readonly ports: LaneRunPorts,
  ) {
    this.clock = new LaneClock(lane.startedAt);
  }

  /**
   * @returns True when the lane was given back with the last batch, false when it was lost on the way.
   * @throws What `make` or `commit` threw; then the lane is still held.
   */
  async run(jobs: Job[]): Promise<boolean> {
    const written: Promise<boolean>[] = [];
    for (const job of jobs) {
      if (this.isBroken || !this.ports.mayContinue()) break;
      const completion = await this.makeOne(job);
      const commit = this.commits.submit(completion);
      // Awaited below; until then a failure only ends the loop and must not count as unhandled.
      commit.then(
        (isHeld) => (this.isBroken ||= !isHeld),
        () => (this.isBroken = true),
      );
      written.push(commit);
    }
    this.current = null;
    this.isEnding = true;
    if (written.length === 0) return this.commit([]);
    return (await Promise.all(written)).every(Boolean);
  }

  private async makeOne(job: Job): Promise<Completion> {
    const startedAt = this.clock.now();
    this.current = { id: job.id, startedAt };
    const made = await this.ports.make(job);
    const destination = job.callbackUrl === null ? null : this.ports.destinationOf(job.callbackUrl);
    return { ...made, id: job.id, startedAt, completedAt: this.clock.now(), deliveryId: uuidv7(), destination };
  }

  private commit(completions: Completion[]): Promise<boolean> {
    const now = performance.now();
    const busyS = (now - this.committedAt) / 1_000;
    this.committedAt = now;
    return this.ports.commit({ completions, begun: this.current, release: this.isEnding, busyS });
  }
}
