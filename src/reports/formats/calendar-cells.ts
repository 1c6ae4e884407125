import { ReportFailed } from '../report-failed.js';

export const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** Days of recent cells: most rows of a report share a few. */
const days = new Map<string, number>();
const MAX_DAYS = 5_000;

/**
 * Returns the days since 1970-01-01.
 * @param cell A date in Postgres' text form, `YYYY-MM-DD`, of the years 0001 to 9999.
 * @throws ReportFailed for any other text, such as `infinity`.
 */
export function epochDay(cell: string): number {
  let day = days.get(cell);
  if (day !== undefined) return day;
  const ms = Date.parse(`${cell}T00:00:00.000Z`);
  // JavaScript takes February 30 for March 2.
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== `${cell}T00:00:00.000Z`) throw notCalendar(cell, 'date');
  day = ms / DAY_MS;
  if (days.size >= MAX_DAYS) days.clear();
  days.set(cell, day);
  return day;
}

/** `2026-01-31 23:59:59.123456+00` as Postgres writes it, or ISO 8601. Without an offset it is UTC. */
const TIME =
  /^(\d{4}-\d\d-\d\d)[ T]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,6}))?(?:Z|([+-])(\d\d)(?::?([0-5]\d))?)?$/;

/**
 * Returns the milliseconds since 1970-01-01 UTC. Microseconds are cut off.
 * @param cell A timestamp in Postgres' text form or in ISO 8601, with any offset.
 * @throws ReportFailed for any other text.
 */
export function epochMs(cell: string): number {
  const parts = TIME.exec(cell);
  if (!parts) throw notCalendar(cell, 'time');
  const [, day, hours, minutes, seconds, fraction = '', sign, offsetHours, offsetMinutes = '0'] = parts;
  const ms = fraction === '' ? 0 : Number(fraction.slice(0, 3).padEnd(3, '0'));
  const local =
    epochDay(day!) * DAY_MS + Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS + Number(seconds) * 1_000 + ms;
  if (sign === undefined) return local;
  const offset = Number(offsetHours) * HOUR_MS + Number(offsetMinutes) * MINUTE_MS;
  return sign === '-' ? local + offset : local - offset;
}

function notCalendar(cell: string, kind: 'date' | 'time'): ReportFailed {
  return new ReportFailed(`${cell.slice(0, 100)} is not a ${kind} of the years 0001 to 9999`);
}
