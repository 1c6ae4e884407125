import { z } from 'zod';

/** RFC 3339, section 5.6, and the offset of ISO 8601's basic format. Its groups: year, month, day, time, fraction, offset. */
const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)t((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(\.\d{1,9})?(z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)$/i;
/** Such a time after a query string was decoded, in which an unencoded `+` means a space. */
const LOST_PLUS = /t[\d:.]+ \d\d:?\d\d$/i;
/** Longer than any valid time. */
const MAX_LENGTH = 64;
const FORM = 'must be a date and time with an offset, such as 2026-03-01T12:00:00Z or 2026-03-01T13:00:00+01:00';
const ENCODE = `${FORM}; in a URL, write + as %2B`;

/** @returns The milliseconds since 1970 of a date and time with an offset; null for any other text. */
export function dateTimeMs(text: string): number | null {
  const [, year, month, day, time, fraction = '.', offset = 'Z'] = DATE_TIME.exec(text) ?? [];
  if (day === undefined) return null;
  // Date accepts the 30th of February.
  const days = new Date(Date.UTC(2000 + (Number(year) % 400), Number(month), 0)).getUTCDate();
  if (Number(month) < 1 || Number(month) > 12 || Number(day) < 1 || Number(day) > days) return null;
  // The form of ECMA-262; a finer fraction is cut.
  const milliseconds = fraction.slice(1, 4).padEnd(3, '0');
  const zone = offset.length === 5 ? `${offset.slice(0, 3)}:${offset.slice(3)}` : offset.toUpperCase();
  const ms = Date.parse(`${year}-${month}-${day}T${time}.${milliseconds}${zone}`);
  // In UTC too a year has four digits, whatever the offset; Postgres has no year 0.
  const utcYear = new Date(ms).getUTCFullYear();
  return utcYear >= 1 && utcYear <= 9999 ? ms : null;
}

/** A time that a caller sends, in any offset; the parsed value is a `Date`. */
export const dateTime = z
  .string()
  .max(MAX_LENGTH)
  .meta({ format: 'date-time' })
  .transform((text, context) => {
    const ms = dateTimeMs(text);
    if (ms !== null) return new Date(ms);
    context.addIssue({ code: 'custom', message: LOST_PLUS.test(text) ? ENCODE : FORM });
    return z.NEVER;
  });
