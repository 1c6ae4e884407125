/** Bounds of what we tell a caller to wait, in seconds: never at once, never so long that nobody would wait. */
const MIN_S = 1;
const MAX_S = 60;

/**
 * When what is full (a lane, a pool) will have room for a tenth of its limit again, at the speed at which it was drained lately.
 * @param throughputPerS Requests finished a second; 0 when nothing was finished yet.
 */
export function retryAfterS(maxPending: number, throughputPerS: number): number {
  const room = Math.max(1, maxPending / 10);
  if (throughputPerS <= 0) return MAX_S;
  return Math.min(MAX_S, Math.max(MIN_S, Math.ceil(room / throughputPerS)));
}
