/** The three forms of an HTTP-date. All are GMT, although the last names no zone (RFC 9110 section 5.6.7). */
const HTTP_DATE =
  /^[A-Z][a-z]{2,8}(, \d\d[ -][A-Z][a-z]{2}[ -](\d{4}|\d\d) \d\d:\d\d:\d\d GMT| [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})$/;

/** @returns The time of an HTTP-date in milliseconds since 1970; null if the text is none. */
function httpDateMs(text: string): number | null {
  if (!HTTP_DATE.test(text)) return null;
  const ms = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(ms) ? null : ms;
}

/** The headers of an answer that say when to try again. */
export interface RetryAfterHeaders {
  'retry-after'?: string | string[] | undefined;
  date?: string | string[] | undefined;
}

/**
 * @param headers `Retry-After`: seconds or a date (RFC 9110 section 10.2.3). A date is by the clock of the receiver, so it
 *   is compared with the `Date` of its answer.
 * @param now Used when `Date` is absent or invalid.
 * @returns The requested delay in milliseconds; 0 if the header is absent, invalid or in the past.
 */
export function retryAfterMs(headers: RetryAfterHeaders, now: Date): number {
  const text = first(headers['retry-after']);
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const atMs = httpDateMs(text);
  return atMs === null ? 0 : Math.max(0, atMs - (httpDateMs(first(headers.date)) ?? now.getTime()));
}

function first(header: string | string[] | undefined): string {
  return (Array.isArray(header) ? header[0] : header)?.trim() ?? '';
}

/** @returns Whether a status matches one of the patterns, such as `503` or `5xx`. */
export function matchesStatus(status: number, patterns: string[]): boolean {
  return patterns.includes(String(status)) || patterns.includes(`${Math.floor(status / 100)}xx`);
}
