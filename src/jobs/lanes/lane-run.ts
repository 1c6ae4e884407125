import { Logger } from '@nestjs/common';
import { Batcher } from '../../platform/concurrency/batcher.js';
import type { LeaseKeeper } from '../../platform/concurrency/lease-keeper.js';
import { throughOutage } from '../../platform/database/outages.js';
import { newId } from '../../platform/ids.js';
import type { WorkQueue } from '../../queue/work-queue.js';
import { type Completion, type Job, destinationOf } from '../job.js';
import type { ReportGenerator } from '../report-generator.js';
import type { CompletedBatch, JobsStore } from './jobs.store.js';
import { type LaneLease, MOST_AHEAD } from './lane-lease.store.js';
import { LaneClock } from './lane-clock.js';

/** Requests that are read at once. */
export const READ_AHEAD = 256;
/** The time slice of a lane: after it the lane is released, so that other lanes get a worker. */
const TIME_SLICE_MS = 1_000;
/** Short requests that are generated together, at most. */
const GROUP_LIMIT = 128;
/** The expected duration of such a group, at most: the first request waits for the last. */
const GROUP_MS = 20;
/** Completions that may wait for their commit. */
const MAX_UNCOMMITTED = MOST_AHEAD - GROUP_LIMIT;

/** The parts that a {@link LaneRun} works with. */
export interface LaneRunParts {
  store: Pick<JobsStore, 'begin' | 'readAfter' | 'complete'>;
  generator: Pick<ReportGenerator, 'expectedMs' | 'generate' | 'publish'>;
  leases: Pick<LeaseKeeper<LaneLease>, 'isSafe'>;
  queue: Pick<WorkQueue, 'wake'>;
  /** Aborted when the worker is draining. */
  draining: AbortSignal;
  /** Aborted when a lane of another account should run instead. */
  yielding: AbortSignal;
  /** Whether reports are paused; the lane then ends after the report in hand. */
  isPaused: () => boolean;
  leaseMs: number;
}

/**
 * Runs the requests of one leased lane, in order, for a time slice.
 *
 *     leased ──> reading ──> generating ──┬──> released     with the last commit
 *                   ^            │        │
 *                   │            v        ├──> lost         a commit found another lease epoch
 *                   └─────── committing ──┘
 *                                         └──> failed       an error; the caller releases the lane for a pause
 *
 * Committing overlaps with generating: while one batch commits, the next reports are generated, up to `MAX_UNCOMMITTED` of
 * them. One request is marked as begun at a time, and each commit moves the mark.
 *
 * Isolate mode: after a worker lost the lane's lease, requests up to `isolateUntil` run alone, each after a commit that
 * marks it as begun. A second crash then counts against the request that caused it.
 *
 * docs/state-machines.md has the states of the lane and of its requests.
 */
export class LaneRun {
  private readonly logger = new Logger(LaneRun.name);
  private readonly sliceEndsAtMs = performance.now() + TIME_SLICE_MS;
  private readonly commits = new Batcher<Completion, boolean>(async (completions) => {
    // A commit behind a failed one would leave a gap; its requests run again after the failed ones.
    if (this.isBroken) throw new Error('The batch before this one was not committed');
    const isHeld = await this.commit(completions);
    return completions.map(() => isHeld);
  });
  /** Requests that were begun and are not committed yet, in order. */
  private readonly begun: { id: string; startedAt: Date }[] = [];
  private readonly committed: Promise<boolean>[] = [];
  private committedAtMs = performance.now();
  private isEnding = false;
  private isReleased = false;
  private isBroken = false;

  constructor(
    private readonly lane: LaneLease,
    private readonly parts: LaneRunParts,
    private readonly clock = new LaneClock(lane.startedAt),
  ) {}

  /**
   * @returns Whether the lane was released with the last commit; false when its lease was lost.
   * @throws The error of the store or the generator. The lane is then still leased, and no commit is in progress.
   */
  async run(): Promise<boolean> {
    try {
      await this.generateAll(await this.readHead());
    } catch (error) {
      await Promise.allSettled(this.committed);
      throw error;
    }
    this.isEnding = true;
    const outcomes = await Promise.allSettled(this.committed);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason;
      if (!outcome.value) return false;
    }
    return !this.isBroken && (this.isReleased || this.commit([]));
  }

  private async readHead(): Promise<Job[]> {
    const { lane, parts } = this;
    const jobs = await parts.store.begin(lane, READ_AHEAD);
    const [head] = jobs;
    if (lane.lostBy !== null && head?.crashCount)
      this.logger.warn(`${lane.lostBy} lost its lease while it ran request ${head.id} of lane ${lane.name}`);
    return jobs;
  }

  private readAfter(position: number): Promise<Job[]> {
    return this.parts.store.readAfter(this.lane, position, READ_AHEAD);
  }

  private async generateAll(jobs: Job[]): Promise<void> {
    for (let batch = jobs; batch.length > 0;) {
      const last = batch.at(-1)!.queuePosition;
      // A full batch has requests behind it: read them now, so that generating does not wait for the next read.
      const ahead = batch.length === READ_AHEAD ? this.readAfter(last) : null;
      ahead?.catch(() => undefined);
      for (const group of this.groups(batch)) {
        if (!this.mayContinue()) return;
        const startedAt = this.begin(group);
        if (this.isIsolated(group[0]!) && !(await this.recordBegun())) return;
        // Submitted in one step, so that they commit together: their results may share one stored object.
        for (const completion of await this.generate(group, startedAt)) this.submit(completion);
        // Keeps generated reports from piling up behind a slow commit.
        await this.committed.at(-MAX_UNCOMMITTED)?.catch(() => undefined);
      }
      batch = await (ahead ?? this.readAfter(last));
    }
  }

  private mayContinue(): boolean {
    const { draining, yielding, isPaused, leases } = this.parts;
    // A slice runs one request at least, so that lanes which keep yielding to each other advance.
    const isYielding = yielding.aborted && this.committed.length > 0;
    const hasTime = performance.now() < this.sliceEndsAtMs && !draining.aborted && !isYielding && !isPaused();
    return !this.isBroken && hasTime && leases.isSafe(this.lane);
  }

  /** Groups short requests that follow each other; every other request is a group of its own. */
  private *groups(batch: Job[]): Generator<Job[]> {
    let group: Job[] = [];
    let groupMs = 0;
    for (const job of batch) {
      const ms = this.isIsolated(job) ? Number.POSITIVE_INFINITY : this.parts.generator.expectedMs(job);
      if (group.length === GROUP_LIMIT || groupMs + ms > GROUP_MS) {
        if (group.length > 0) yield group;
        group = [];
        groupMs = 0;
      }
      group.push(job);
      groupMs += ms;
    }
    yield group;
  }

  private isIsolated({ queuePosition }: Job): boolean {
    return queuePosition <= this.lane.isolateUntil;
  }

  private begin(group: Job[]): Date {
    const startedAt = this.clock.now();
    this.begun.push(...group.map(({ id }) => ({ id, startedAt })));
    return startedAt;
  }

  /** Commits all generated reports, and the mark of the request that was begun. Returns false when the lease is lost. */
  private async recordBegun(): Promise<boolean> {
    await Promise.allSettled(this.committed);
    return !this.isBroken && this.commit([]);
  }

  private async generate(group: Job[], begunAt: Date): Promise<Completion[]> {
    let startedAt = begunAt;
    const reports = await this.parts.generator.generate(group);
    return group.map((job, index) => {
      const { result, fileKey, fileBytes, error, tookMs } = reports[index]!;
      const destination = destinationOf(job.callbackUrl);
      // Each request started when the one before it ended.
      const isLast = index === group.length - 1;
      const completedAt = isLast ? this.clock.now() : new Date(startedAt.getTime() + tookMs);
      const deliveryId = newId();
      const times = { startedAt, completedAt };
      const completion = { id: job.id, result, fileKey, fileBytes, error, ...times, deliveryId, destination };
      startedAt = completedAt;
      return completion;
    });
  }

  private submit(completion: Completion): void {
    const committed = this.commits.submit(completion);
    // `run` reports a rejection at the end; until then it must not count as unhandled.
    committed.catch(() => undefined);
    this.committed.push(committed);
  }

  private async commit(completions: Completion[]): Promise<boolean> {
    const nowMs = performance.now();
    const busyS = (nowMs - this.committedAtMs) / 1_000;
    this.committedAtMs = nowMs;
    this.begun.splice(0, completions.length);
    // The first one that this batch does not complete, so that a lane never shows two requests in progress.
    const begun = this.begun[0] ?? null;
    const release = this.isEnding && !begun;
    this.isReleased = release;
    let isHeld = false;
    try {
      isHeld = await this.complete({ completions, begun, release, busyS });
    } finally {
      this.isBroken ||= !isHeld;
    }
    return isHeld;
  }

  /** Writes a batch, and wakes the sending of callbacks if it has any. Returns false when the lease is lost. */
  private complete(batch: CompletedBatch): Promise<boolean> {
    const { store, generator, queue, leaseMs } = this.parts;
    return generator.publish(batch.completions, async () => {
      const finished = await throughOutage(() => store.complete(this.lane, batch, leaseMs));
      const hasDelivery = batch.completions.some(({ id, destination }) => destination !== null && finished?.has(id));
      if (hasDelivery) queue.wake('callbacks');
      return finished;
    });
  }
}
