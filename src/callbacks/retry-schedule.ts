/** Delays are spread by this much either way, so that receivers which failed together are not tried together. */
const JITTER = 0.25;

/**
 * When to try again.
 * @param attempts Attempts made so far, at least 1.
 * @param delaysMs Waits before the 2nd, 3rd, … attempt.
 * @param random From 0 up to 1.
 * @returns Null when the schedule has ended.
 */
export function nextAttemptAt(attempts: number, now: Date, delaysMs: number[], random = Math.random()): Date | null {
  const delayMs = delaysMs[attempts - 1];
  if (delayMs === undefined) return null;
  return new Date(now.getTime() + delayMs * (1 - JITTER + 2 * JITTER * random));
}

/** Whether a status is one of those listed, such as `503` or `5xx`. */
export function matchesStatus(status: number, patterns: string[]): boolean {
  return patterns.includes(String(status)) || patterns.includes(`${Math.floor(status / 100)}xx`);
}
