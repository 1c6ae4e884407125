/** Delays are spread by this share in both directions, so that attempts that failed together are not retried together. */
const JITTER = 0.25;

/** Longest delay that a receiver may request. */
export const LONGEST_RETRY_AFTER_MS = 3_600_000;

/**
 * Returns the time of the next attempt: the later one of the schedule's and the receiver's.
 * @param attempts Attempts so far, at least 1.
 * @param nowMs By a monotonic clock, since the wall clock may jump before the attempt is recorded.
 * @param delaysMs Delays before the 2nd, 3rd, … attempt.
 * @param askedMs The delay that the receiver requested.
 * @param random At least 0 and less than 1.
 * @returns A time by the clock of `nowMs`; null when the schedule has ended.
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
