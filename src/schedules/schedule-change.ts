import { InvalidInput } from '../http/validation.js';
import { type Frequency, type On, WEEKDAYS, type Weekday } from './due-times.js';
import type { Schedule } from './schedule.entity.js';
import type { ScheduleColumns } from './schedule.repository.js';
import type { ChangeScheduleBody, ScheduleFields } from './schedule.schema.js';

/** Returns the fields of a schedule after a change. A new frequency without a day takes its default day. */
export function changed(fields: ScheduleFields, change: ChangeScheduleBody): ScheduleFields {
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const isOtherFrequency = change.every !== undefined && change.every !== fields.every;
  return { ...fields, ...(isOtherFrequency && { on: null }), ...given };
}

/** Returns the columns of a schedule. @throws InvalidInput if its day does not fit its frequency */
export function columnsOf(fields: ScheduleFields): Omit<ScheduleColumns, 'nextDueAt'> {
  const { on, callback_url: callbackUrl, is_active: isActive, ...same } = fields;
  return { ...same, onDay: dayOf(fields.every, on), callbackUrl, isActive };
}

const TIMING = ['every', 'onDay', 'at', 'timezone'] as const;

/** Whether a schedule is due at other times than before. */
export function isMoved(before: Schedule, after: Omit<ScheduleColumns, 'nextDueAt'>): boolean {
  return TIMING.some((field) => before[field] !== after[field]);
}

function dayOf(every: Frequency, on: On | null): string | null {
  if (every === 'day') return on === null ? null : refuse('must be left out with every: day');
  if (every === 'week') {
    const weekday = typeof on === 'number' ? WEEKDAYS[on - 1] : (on ?? 'monday');
    if (WEEKDAYS.includes(weekday as Weekday)) return weekday!;
    return refuse('must be a weekday with every: week, monday to sunday or 1 to 7');
  }
  if (on === null || typeof on === 'number' || on === 'last') return String(on ?? 1);
  return refuse('must be a day from 1 to 31, or last, with every: month');
}

function refuse(message: string): never {
  throw new InvalidInput('body', [{ path: 'on', message }]);
}
