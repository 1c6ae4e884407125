/** The parameters of an interval. */
export type IntervalTexts = Record<'from' | 'to' | 'timezone', string>;

/** The reader's time zone, of the IANA database. */
export const readerZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** @returns The date in the reader's zone, as the API takes it. */
function dateOf(at: Date): string {
  const part = (value: number, length = 2): string => String(value).padStart(length, '0');
  return `${part(at.getFullYear(), 4)}-${part(at.getMonth() + 1)}-${part(at.getDate())}`;
}

/**
 * @param available Until when the service had data when it was asked, by its clock.
 * @returns That instant, or else the browser's now. A report must not end after the service's now, which may be behind.
 */
export function instantNow(available: string | null | undefined): Date {
  const now = new Date();
  const until = new Date(available ?? now);
  return until < now ? until : now;
}

/** @returns The parameters of the month that an instant is in, up to it, in the reader's zone. */
export function monthSoFar(at: Date): IntervalTexts {
  const to = `${at.toISOString().slice(0, 19)}Z`;
  return { from: dateOf(new Date(at.getFullYear(), at.getMonth(), 1)), to, timezone: readerZone() };
}

/** @returns The parameters of the month before the one that an instant is in, in the reader's zone. */
export function monthBefore(at: Date): IntervalTexts {
  const [year, month] = [at.getFullYear(), at.getMonth()];
  return { from: dateOf(new Date(year, month - 1, 1)), to: dateOf(new Date(year, month, 1)), timezone: readerZone() };
}

/** @returns The parameters of the year that an instant is in, up to it, in the reader's zone. */
export function yearSoFar(at: Date): IntervalTexts {
  return { ...monthSoFar(at), from: dateOf(new Date(at.getFullYear(), 0, 1)) };
}
