import { newId } from '../../platform/ids.js';
import { Batcher } from '../../platform/concurrency/batcher.js';
import { type Completion, type Job, destinationOf } from '../job.js';
import { type CompletedBatch, type LaneLease, MOST_AHEAD } from './jobs.store.js';
import { LaneClock } from './lane-clock.js';
import type { Made } from '../report-generator.js';

/** Requests of a lane that are read at once. */
export const AHEAD = 256;
/** Short reports that are made in one go, at the most. */
const MADE_TOGETHER = 128;
/** Of such reports, by what is expected of them: the first waits for the last. */
const MADE_TOGETHER_MS = 20;
/** Completions that may wait for their commit. */
const MAX_UNCOMMITTED = MOST_AHEAD - MADE_TOGETHER;

/** What a {@link LaneRun} needs from the world. */
export interface LaneRunPorts {
  /** The next requests of the lane, behind a position; none when there are no more for now. */
  readAfter(queuePosition: number): Promise<Job[]>;
  /** About how long a request takes, in milliseconds; short ones that stand next to each other are made together. */
  expectedMs(job: Job): number;
  /**
   * Makes requests one after the other; a report that fails is a result too. Rejects only when nothing can be made
   * (storage, shutdown).
   */
  make(jobs: Job[]): Promise<Made[]>;
  /** Makes the files durable and writes the batch. False: the lane is not ours any more, and nothing was written. */
  commit(batch: CompletedBatch): Promise<boolean>;
  /** Whether to go on with the next request. */
  mayContinue(): boolean;
}

/**
 * Makes the requests of one lane we hold, one after the other in order. Completions are written together: while one
 * batch is being committed the next reports are already made, and a lone long report waits for nobody. Where the holder
 * before fell silent they are made one by one instead, so that what a process dies of is known.
 */
export class LaneRun {
  private readonly clock: LaneClock;
  private readonly commits = new Batcher<Completion, boolean>(async (completions) => {
    // Nothing is written past a gap: what was made behind a batch that failed is made again after it.
    if (this.isBroken) throw new Error('The batch before this one was not written');
    const isHeld = await this.commit(completions);
    return completions.map(() => isHeld);
  });
  /** Begun and not committed yet, in order. */
  private readonly begun: { id: string; startedAt: Date }[] = [];
  private readonly written: Promise<boolean>[] = [];
  private committedAt = performance.now();
  private isEnding = false;
  private isReleased = false;
  private isBroken = false;

  constructor(
    private readonly lane: LaneLease,
    private readonly ports: LaneRunPorts,
  ) {
    this.clock = new LaneClock(lane.startedAt);
  }

  /**
   * @returns True when the lane was given back with the last batch, false when it was lost on the way.
   * @throws What `make`, `readAfter` or `commit` threw; then the lane is still held, and no commit is under way.
   */
  async run(jobs: Job[]): Promise<boolean> {
    try {
      await this.makeAll(jobs);
    } catch (error) {
      await Promise.allSettled(this.written);
      throw error;
    }
    this.isEnding = true;
    const outcomes = await Promise.allSettled(this.written);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason;
      if (!outcome.value) return false;
    }
    return !this.isBroken && (this.isReleased || this.commit([]));
  }

  private async makeAll(jobs: Job[]): Promise<void> {
    for (let batch = jobs; batch.length > 0;) {
      const last = batch.at(-1)!.queuePosition;
      // Read while these are made, so that the next report follows at once; what is short had nothing behind it yet.
      const ahead = batch.length === AHEAD ? this.ports.readAfter(last) : null;
      ahead?.catch(() => undefined);
      for (const together of this.inOneGo(batch)) {
        if (this.isBroken || !this.ports.mayContinue()) return;
        const startedAt = this.begin(together);
        if (this.isIsolated(together[0]!) && !(await this.putOnRecord())) return;
        // In one step, so that they are committed together: their files may be parts of one.
        for (const completion of await this.make(together, startedAt)) this.submit(completion);
        // What was made must not pile up behind a slow commit.
        await this.written.at(-MAX_UNCOMMITTED)?.catch(() => undefined);
      }
      batch = await (ahead ?? this.ports.readAfter(last));
    }
  }

  /** Short requests as long as they are short together, and each other request alone. */
  private *inOneGo(batch: Job[]): Generator<Job[]> {
    let together: Job[] = [];
    let togetherMs = 0;
    for (const job of batch) {
      const ms = this.isIsolated(job) ? Number.POSITIVE_INFINITY : this.ports.expectedMs(job);
      if (together.length === MADE_TOGETHER || togetherMs + ms > MADE_TOGETHER_MS) {
        if (together.length > 0) yield together;
        together = [];
        togetherMs = 0;
      }
      together.push(job);
      togetherMs += ms;
    }
    yield together;
  }

  private isIsolated({ queuePosition }: Job): boolean {
    return queuePosition <= this.lane.isolateUntil;
  }

  private begin(jobs: Job[]): Date {
    const startedAt = this.clock.now();
    this.begun.push(...jobs.map(({ id }) => ({ id, startedAt })));
    return startedAt;
  }

  /** Commits all that was made before, then marks what was begun. False: the lane is not ours any more. */
  private async putOnRecord(): Promise<boolean> {
    await Promise.allSettled(this.written);
    return !this.isBroken && this.commit([]);
  }

  private async make(jobs: Job[], begunAt: Date): Promise<Completion[]> {
    let startedAt = begunAt;
    const made = await this.ports.make(jobs);
    return jobs.map((job, index) => {
      const { result, fileKey, error, tookMs } = made[index]!;
      const destination = destinationOf(job.callbackUrl);
      // Each began when the one before had ended.
      const isLast = index === jobs.length - 1;
      const completedAt = isLast ? this.clock.now() : new Date(startedAt.getTime() + tookMs);
      const deliveryId = newId();
      const completion = { id: job.id, result, fileKey, error, startedAt, completedAt, deliveryId, destination };
      startedAt = completedAt;
      return completion;
    });
  }

  private submit(completion: Completion): void {
    const written = this.commits.submit(completion);
    // Met at the end; until then it must not count as unhandled.
    written.catch(() => undefined);
    this.written.push(written);
  }

  private async commit(completions: Completion[]): Promise<boolean> {
    const now = performance.now();
    const busyS = (now - this.committedAt) / 1_000;
    this.committedAt = now;
    this.begun.splice(0, completions.length);
    // The first that was begun and is not in this batch, made or not: so a lane never shows two in progress.
    const begun = this.begun[0] ?? null;
    const release = this.isEnding && !begun;
    this.isReleased = release;
    let isHeld = false;
    try {
      isHeld = await this.ports.commit({ completions, begun, release, busyS });
    } finally {
      this.isBroken ||= !isHeld;
    }
    return isHeld;
  }
}
