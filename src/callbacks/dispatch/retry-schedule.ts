/** Delays are spread by this much either way, so that receivers which failed together are not tried together. */
const JITTER = 0.25;

/** The longest that a receiver may have its next attempt put off with `Retry-After`. */
export const LONGEST_RETRY_AFTER_MS = 3_600_000;

/**
 * When to try again: when the schedule says, or when the receiver asked to be tried, whichever is later. By the monotonic
 * clock that `nowMs` was read from: the wall clock may jump while an attempt waits to be recorded, and the retry with it.
 * @param attempts Attempts made so far, at least 1.
 * @param delaysMs Waits before the 2nd, 3rd, … attempt.
 * @param askedMs The wait that the receiver asked for; see {@link retryAfterMs}.
 * @param random From 0 up to 1.
 * @returns Null when the schedule has ended.
 */
export function retryAtMs(
  attempts: number,
  nowMs: number,
  delaysMs: number[],
  askedMs = 0,
  random = Math.random(),
): number | null {
  const delayMs = delaysMs[attempts - 1];
  if (delayMs === undefined) return null;
  const spreadMs = delayMs * (1 - JITTER + 2 * JITTER * random);
  return nowMs + Math.max(spreadMs, Math.min(askedMs, LONGEST_RETRY_AFTER_MS));
}

/** The longest that a delivery can be on its schedule, from its first attempt to its last. */
export function scheduleMs(delaysMs: number[]): number {
  return delaysMs.reduce((sum, delayMs) => sum + delayMs * (1 + JITTER), 0);
}

/** The three forms of an HTTP-date, of which the last names no zone: all are GMT (RFC 9110 section 5.6.7). */
const HTTP_DATE =
  /^[A-Z][a-z]{2,8}(, \d\d[ -][A-Z][a-z]{2}[ -](\d{4}|\d\d) \d\d:\d\d:\d\d GMT| [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})$/;

/**
 * The wait that a `Retry-After` asks for, in milliseconds from now: seconds or a date (RFC 9110 section 10.2.3). 0 when
 * there is none, when it is past, or when it says nothing that can be read.
 */
export function retryAfterMs(header: string | string[] | undefined, now: Date): number {
  const text = (Array.isArray(header) ? header[0] : header)?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  if (!HTTP_DATE.test(text)) return 0;
  const at = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(at) ? 0 : Math.max(0, at - now.getTime());
}

/** Whether a status is one of those listed, such as `503` or `5xx`. */
export function matchesStatus(status: number, patterns: string[]): boolean {
  return patterns.includes(String(status)) || patterns.includes(`${Math.floor(status / 100)}xx`);
}
