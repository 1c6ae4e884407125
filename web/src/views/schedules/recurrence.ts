import type { components } from '../../api/schema.generated';

export type Schedule = components['schemas']['Schedule'];
export type Run = components['schemas']['ScheduleRun'];
type Recurrence = Pick<Schedule, 'every' | 'on' | 'at' | 'timezone'>;

export const FREQUENCIES = ['day', 'week', 'month'] as const;
/** The first is 1 for the API. */
export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

export const PERIODS = [
  ['previous_day', 'The day before'],
  ['previous_week', 'The week before, Monday to Sunday'],
  ['previous_month', 'The month before'],
  ['month_to_date', 'The month so far'],
] as const;

export const capitalized = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** @returns When a schedule is due, in words, such as "Every week on Monday at 06:00". The zone is apart. */
export function recurrenceWords({ every, on, at }: Recurrence): string {
  if (every === 'day') return `Every day at ${at}`;
  if (every === 'week') {
    const weekday = typeof on === 'number' ? WEEKDAYS[on - 1] : on;
    return `Every week on ${capitalized(weekday ?? WEEKDAYS[0])} at ${at}`;
  }
  return `Every month on ${on === 'last' ? 'the last day' : `day ${on ?? 1}`} at ${at}`;
}

/** @returns The interval that the reports of a schedule cover, in words; null if they have none. */
export function periodWords(period: Schedule['period']): string | null {
  return PERIODS.find(([name]) => name === period)?.[1] ?? null;
}

/** Whether the newest run is not over, so that its result is worth asking for again soon. */
export const isRunOpen = (run: Run | null): boolean => run?.status === 'PENDING' || run?.status === 'PROCESSING';
