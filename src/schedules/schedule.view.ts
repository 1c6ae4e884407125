import type { RequestState } from '../requests/request.repository.js';
import { type On, type Recurrence, WEEKDAYS, type Weekday, dueTimesAfter } from './due-times.js';
import type { RunOutcome, ScheduleRun } from './schedule-run.entity.js';
import type { Schedule } from './schedule.entity.js';
import type { RunStatus, ScheduleFields } from './schedule.schema.js';

/** Due times of an answer. */
const SHOWN_RUNS = 5;

const NOT_ACCEPTED: Record<Exclude<RunOutcome, 'accepted'>, RunStatus> = { refused: 'REFUSED', skipped: 'SKIPPED' };

/** Returns when a schedule is due. */
export function recurrenceOf({ every, onDay, at, timezone }: Pick<Schedule, 'every' | 'onDay' | 'at' | 'timezone'>) {
  return { every, on: onOf(onDay), at, timezone } satisfies Recurrence;
}

function onOf(stored: string | null): On | null {
  if (stored === null || stored === 'last') return stored;
  return WEEKDAYS.includes(stored as Weekday) ? (stored as Weekday) : Number(stored);
}

/** Returns a schedule as its caller defined it. */
export function fieldsOf(schedule: Schedule): ScheduleFields {
  const { name, report, payload, period, lane, callbackUrl, format, compress, isActive } = schedule;
  const recurrence = recurrenceOf(schedule);
  return {
    name,
    report,
    payload,
    period,
    ...recurrence,
    lane,
    callback_url: callbackUrl,
    format,
    compress,
    is_active: isActive,
  };
}

/** A run as the API shows it. @param request Of an accepted run: its request, unless that was deleted. */
export function runView(run: ScheduleRun, request: RequestState | undefined) {
  const { number, outcome, dueAt, requestId, error, createdAt } = run;
  return {
    number,
    trigger: dueAt === null ? ('caller' as const) : ('schedule' as const),
    due_at: (dueAt ?? createdAt).toISOString(),
    request_id: requestId,
    status: outcome === 'accepted' ? (request?.status ?? 'DELETED') : NOT_ACCEPTED[outcome],
    error: error ?? request?.error ?? null,
    created_at: createdAt.toISOString(),
  };
}
export type RunView = ReturnType<typeof runView>;

/** A schedule as the API shows it. */
export function scheduleView(schedule: Schedule, lastRun: RunView | null) {
  const { id, nextDueAt, delayError, skippedUntil, createdAt, updatedAt } = schedule;
  return {
    id,
    ...fieldsOf(schedule),
    next_runs: nextDueAt === null ? [] : nextRuns(recurrenceOf(schedule), nextDueAt),
    last_run: lastRun,
    delayed: nextDueAt && delayError !== null ? { due_at: nextDueAt.toISOString(), error: delayError } : null,
    skipped_until: skippedUntil?.toISOString() ?? null,
    created_at: createdAt.toISOString(),
    updated_at: updatedAt.toISOString(),
  };
}
export type ScheduleView = ReturnType<typeof scheduleView>;

function nextRuns(recurrence: Recurrence, first: Date): string[] {
  const times = [first];
  for (const time of dueTimesAfter(recurrence, first)) if (times.push(time) === SHOWN_RUNS) break;
  return times.map((time) => time.toISOString());
}
