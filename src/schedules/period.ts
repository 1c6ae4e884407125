import type { Temporal } from '@js-temporal/polyfill';
import { localDate } from './due-times.js';

export const PERIODS = ['previous_day', 'previous_week', 'previous_month', 'month_to_date'] as const;
export type Period = (typeof PERIODS)[number];

/** A half-open interval: dates, which mean their midnight in the time zone of the report, or instants. */
export interface Interval {
  from: string;
  to: string;
}

/**
 * Returns the interval of a report that is due at an instant. It never ends after that instant, so nothing in it is still to
 * come. Weeks begin on Monday. `month_to_date` ends at the instant itself; at the first midnight of a month it is the whole
 * month before.
 */
export function intervalOf(period: Period, dueAt: Date, timezone: string): Interval {
  const day = localDate(dueAt.getTime(), timezone);
  if (period === 'previous_day') return between(day.subtract({ days: 1 }), day);
  if (period === 'previous_week') {
    const monday = day.subtract({ days: day.dayOfWeek - 1 });
    return between(monday.subtract({ weeks: 1 }), monday);
  }
  if (period === 'previous_month') {
    const first = day.with({ day: 1 });
    return between(first.subtract({ months: 1 }), first);
  }
  const last = localDate(dueAt.getTime() - 1, timezone);
  return { from: last.with({ day: 1 }).toString(), to: dueAt.toISOString() };
}

const between = (from: Temporal.PlainDate, to: Temporal.PlainDate): Interval => ({
  from: from.toString(),
  to: to.toString(),
});
