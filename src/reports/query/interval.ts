import { Temporal } from '@js-temporal/polyfill';
import { z } from 'zod';
import { dateTimeMs } from '../../http/fields/date-time.js';

const DATE = /^\d{4}-\d{2}-\d{2}$/;

const MAX_LENGTH = 64;

/** A start or an end: a day, which means its midnight in a time zone, or an instant. */
const moment = z
  .string()
  .max(MAX_LENGTH)
  .refine(
    (text) => (DATE.test(text) ? z.iso.date().safeParse(text).success && text > '0001' : dateTimeMs(text) !== null),
    'must be a date (2026-01-31) or a date and time with an offset, such as 2026-01-31T09:00:00Z',
  );

/** A zone of the IANA time zone database. */
export const timeZone = z
  .string()
  .max(MAX_LENGTH)
  .refine(isTimeZone, 'must be a time zone of the IANA database, such as Europe/Zurich');

function isTimeZone(name: string): boolean {
  try {
    // Offsets are no zones: they know no daylight-saving time.
    return (
      /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
    );
  } catch {
    return false;
  }
}

/** Parameters of a half-open interval of time. */
export const intervalParams = {
  from: moment.describe('Start: an instant, or a date, which means midnight in `timezone`'),
  to: moment.describe('End, which is not included: an instant, or a date, which means midnight in `timezone`'),
  timezone: timeZone.default('UTC').describe('Time zone of the IANA database; it decides when a day begins'),
};

export interface Interval {
  from: string;
  to: string;
  timezone: string;
}

/** @returns The instants of an interval. A midnight that a change of the clock skips is the first instant after it. */
export function instantsOf({ from, to, timezone }: Interval): { from: Date; to: Date } {
  return { from: instantOf(from, timezone), to: instantOf(to, timezone) };
}

function instantOf(given: string, timezone: string): Date {
  if (!DATE.test(given)) return new Date(dateTimeMs(given)!);
  const { epochMilliseconds } = Temporal.PlainDate.from(given).toZonedDateTime(timezone);
  return new Date(epochMilliseconds);
}
