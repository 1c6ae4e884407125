import { Temporal } from '@js-temporal/polyfill';
import { LRUCache } from 'lru-cache';

export const FREQUENCIES = ['day', 'week', 'month'] as const;
export type Frequency = (typeof FREQUENCIES)[number];

/** In the order of ISO 8601. */
export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** A day of a week or of a month. A day that a month does not have is its last day. */
export type On = Weekday | number | 'last';

/** When a schedule is due. */
export interface Recurrence {
  every: Frequency;
  /** Null with `day`; a weekday with `week`; 1 to 31 or `last` with `month`. */
  on: On | null;
  /** Local time, `HH:MM`. */
  at: string;
  /** A name of the IANA time zone database. */
  timezone: string;
}

/** Local times whose instants are kept. Many schedules share them, and a conversion takes some 100 µs. */
const MAX_KNOWN = 10_000;
const known = new LRUCache<string, number>({ max: MAX_KNOWN });

/**
 * Returns the due times of a schedule after an instant, in order. Each day of the recurrence has one: a local time that does not
 * exist, because clocks are turned forward, is due at the first instant after the gap; one that occurs twice is due once, the
 * first time.
 */
export function* dueTimesAfter(recurrence: Recurrence, after: Date): Generator<Date, never> {
  const today = localDate(after.getTime(), recurrence.timezone);
  let lastMs = after.getTime();
  // From the unit before: the due time of a day in a gap can lie on the next day.
  for (let unit = -1; ; unit++) {
    const dueMs = instantOf(dayOf(recurrence, today, unit), recurrence);
    // Two days in one gap are due at the same instant, once.
    if (dueMs <= lastMs) continue;
    yield new Date(dueMs);
    lastMs = dueMs;
  }
}

/** Returns the due times of a schedule up to an instant, the newest first. */
export function* dueTimesUpTo(recurrence: Recurrence, until: Date): Generator<Date, never> {
  const today = localDate(until.getTime(), recurrence.timezone);
  let nextMs = until.getTime() + 1;
  for (let unit = 1; ; unit--) {
    const dueMs = instantOf(dayOf(recurrence, today, unit), recurrence);
    if (dueMs >= nextMs) continue;
    yield new Date(dueMs);
    nextMs = dueMs;
  }
}

/** Returns the first due time after an instant. */
export function nextDueTime(recurrence: Recurrence, after: Date): Date {
  return dueTimesAfter(recurrence, after).next().value;
}

/** Due times that lie this long back are fewer than 31, or exactly that many, with any frequency. */
const SURELY_KEPT_MS = 29 * 24 * 3_600_000;

/**
 * Decides which missed due times are caught up.
 * @param dueAt The oldest one that has not been accepted.
 * @param now At or after it.
 * @param limit Up to this many are caught up: the newest ones.
 * @returns Null if none is skipped; else the last one to skip and the first one to catch up.
 */
export function skipped(
  recurrence: Recurrence,
  dueAt: Date,
  now: Date,
  limit: number,
): { last: Date; next: Date } | null {
  if (now.getTime() - dueAt.getTime() < SURELY_KEPT_MS) return null;
  let next = now;
  let count = 0;
  for (const due of dueTimesUpTo(recurrence, now)) {
    if (due < dueAt) return null;
    if (count++ === limit) return { last: due, next };
    next = due;
  }
  return null;
}

/** Returns the date of an instant in a time zone. @param ms Milliseconds since 1970. */
export function localDate(ms: number, timezone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timezone).toPlainDate();
}

/** The day of a recurrence in a unit (day, week or month), counted from that of a date. */
function dayOf({ every, on }: Recurrence, today: Temporal.PlainDate, unit: number): Temporal.PlainDate {
  if (every === 'day') return today.add({ days: unit });
  if (every === 'week') {
    const weekday = WEEKDAYS.indexOf(on as Weekday) + 1;
    return today.add({ days: weekday - today.dayOfWeek + 7 * unit });
  }
  // A day beyond the end of the month is constrained to its last day.
  return today
    .with({ day: 1 })
    .add({ months: unit })
    .with({ day: on === 'last' ? 31 : Number(on) });
}

/** Returns the instant of a local time in milliseconds since 1970; in a gap, that of the end of the gap. */
function instantOf(day: Temporal.PlainDate, { at, timezone }: Recurrence): number {
  const key = `${timezone} ${day.toString()} ${at}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const local = day.toPlainDateTime(at);
  const before = local.toZonedDateTime(timezone, { disambiguation: 'earlier' });
  const isInGap = !before.toPlainDateTime().equals(local);
  const instant = (isInGap && before.getTimeZoneTransition('next')) || before;
  known.set(key, instant.epochMilliseconds);
  return instant.epochMilliseconds;
}
