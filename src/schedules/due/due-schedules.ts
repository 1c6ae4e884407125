import { Injectable, Logger } from '@nestjs/common';
import { CallbackUrlRefused } from '../../callbacks/url-guard/callback-url-refused.js';
import { InvalidInput } from '../../http/validation.js';
import { AsyncService } from '../../jobs/accept/async.service.js';
import { WakeTimer } from '../../platform/concurrency/wake-timer.js';
import { type Task, WorkerLoop } from '../../platform/concurrency/worker-loop.js';
import { isDataError } from '../../platform/database/outages.js';
import { DaybookError, LimitReached } from '../../platform/errors.js';
import { accountOfStored } from '../../platform/tenant.js';
import { nextDueTime, skipped } from '../due-times.js';
import { recurrenceOf } from '../schedule.view.js';
import { ScheduledReports } from '../scheduled-report.js';
import { type DueSchedule, DueSchedulesStore } from './due-schedules.store.js';

/** Due times that a process settles at once. */
const CONCURRENCY = 8;
/** A claim ends after this time, for example after a crash. */
const LEASE_MS = 15_000;
/** Missed due times of one schedule that are caught up. */
export const MAX_CAUGHT_UP = 31;

const MIN_DELAY_MS = 1_000;
const MAX_DELAY_MS = 60_000;

/**
 * Accepts the requests of due schedules. Each due time is accepted once, however many processes run: {@link DueSchedulesStore}.
 * One that cannot be accepted now, because its lane is full for example, stays due. States: docs/state-machines.md.
 */
@Injectable()
export class DueSchedules {
  private readonly logger = new Logger(DueSchedules.name);
  private readonly timer = new WakeTimer(() => void this.run());
  private readonly loop: WorkerLoop;

  constructor(
    private readonly store: DueSchedulesStore,
    private readonly reports: ScheduledReports,
    private readonly accepting: AsyncService,
  ) {
    this.loop = new WorkerLoop(
      CONCURRENCY,
      (free) => this.claim(free),
      (error) => this.logger.warn(`Due schedules were not claimed: ${String(error)}`),
    );
  }

  /** Resolves when no due time is left that can be accepted now. */
  run(): Promise<void> {
    return this.loop.run();
  }

  /** Accepts no further due time; resolves when those in hand are settled. */
  async stop(): Promise<void> {
    this.timer.stop();
    await this.loop.stop();
  }

  private async claim(free: number): Promise<Task[]> {
    const schedules = await this.store.claim(free, LEASE_MS);
    if (schedules.length === 0) {
      const inMs = await this.store.nextAttemptInMs();
      if (inMs !== null) this.timer.setIn(inMs);
    }
    return schedules.map((schedule) => () => this.settle(schedule));
  }

  private async settle(schedule: DueSchedule): Promise<void> {
    try {
      if (await this.skipOld(schedule)) return;
      await this.accept(schedule);
    } catch (error) {
      await this.settleFailed(schedule, error).catch((failure: unknown) => {
        // The claim ends by itself, and the due time is tried again.
        this.logger.warn(`A due time of schedule ${schedule.id} was not settled: ${String(failure)}`);
      });
    }
  }

  /** @returns Whether due times were skipped. The schedule is due again then. */
  private async skipOld(schedule: DueSchedule): Promise<boolean> {
    const { id, nextDueAt, now } = schedule;
    const old = skipped(recurrenceOf(schedule), nextDueAt, now, MAX_CAUGHT_UP);
    if (!old) return false;
    const error = `Due times from ${nextDueAt.toISOString()} to ${old.last.toISOString()} were skipped: more than ${MAX_CAUGHT_UP} were missed`;
    this.logger.warn(`Schedule ${id}: ${error}`);
    await this.store.settle(schedule, { outcome: 'skipped', dueAt: old.last, nextDueAt: old.next, error });
    return true;
  }

  private async accept(schedule: DueSchedule): Promise<void> {
    const { nextDueAt: dueAt, accountId, callbackUrl: callback_url } = schedule;
    const request = this.reports.requestOf({ ...schedule, callback_url }, dueAt);
    const nextDueAt = nextDueTime(recurrenceOf(schedule), dueAt);
    await this.accepting.acceptAlongside(request, null, accountOfStored(accountId), dueAt, (query, requestId) =>
      this.store.settle(schedule, { outcome: 'accepted', nextDueAt, requestId }, query),
    );
  }

  private async settleFailed(schedule: DueSchedule, error: unknown): Promise<void> {
    const nextDueAt = nextDueTime(recurrenceOf(schedule), schedule.nextDueAt);
    if (isRunTwice(error)) await this.store.moveOn(schedule, nextDueAt);
    else if (isRefusal(error)) {
      await this.store.settle(schedule, { outcome: 'refused', nextDueAt, error: messageOf(error) });
    } else await this.delay(schedule, error);
  }

  private async delay(schedule: DueSchedule, error: unknown): Promise<void> {
    const isExpected = error instanceof DaybookError;
    if (!isExpected) this.logger.error(`Schedule ${schedule.id}: ${String(error)}`, (error as Error).stack);
    const delayMs = ((isExpected && error.retryAfterS) || MAX_DELAY_MS) * 1_000;
    const reason = isExpected ? error.message : 'An unexpected error; it is in the log';
    await this.store.delay(schedule, Math.min(MAX_DELAY_MS, Math.max(MIN_DELAY_MS, delayMs)), reason);
  }
}

/** Whether the unique key of the runs refused one. */
const isRunTwice = (error: unknown): boolean =>
  isDataError(error) && (error as { constraint?: string }).constraint === 'schedule_runs_due';

/** Whether the schedule itself is at fault, so that trying again changes nothing. */
function isRefusal(error: unknown): error is InvalidInput | DaybookError {
  if (error instanceof InvalidInput || error instanceof CallbackUrlRefused) return true;
  return error instanceof DaybookError && !(error instanceof LimitReached) && error.retryAfterS === undefined;
}

function messageOf(error: InvalidInput | DaybookError): string {
  if (!(error instanceof InvalidInput)) return error.message;
  return error.issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
}
