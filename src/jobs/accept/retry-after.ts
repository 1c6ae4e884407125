/** Bounds of `Retry-After` in seconds: a retry is never immediate and never too far away to wait for. */
const MIN_S = 1;
const MAX_S = 60;

/**
 * Returns the seconds until a full queue (a lane, a pool) has room for a tenth of its limit, at its recent throughput.
 * @param throughputPerS Requests finished per second; 0 when none has finished yet.
 */
export function retryAfterS(maxPending: number, throughputPerS: number): number {
  const room = Math.max(1, maxPending / 10);
  if (throughputPerS <= 0) return MAX_S;
  return Math.min(MAX_S, Math.max(MIN_S, Math.ceil(room / throughputPerS)));
}
