import type { LiveLane, LiveState } from '../../api/live';

const MINUTE_MS = 60_000;

/** A lane is listed a little longer than it has unfinished requests. */
export const isBusy = ({ pending, in_progress }: LiveLane): boolean => pending + in_progress > 0;

/**
 * Reports that were completed in the last minute. The live view has only the newest requests, so a busy installation is shown
 * by the measured throughput of its lanes.
 */
export function perMinute({ requests, lanes }: LiveState, nowMs: number): number {
  const recent = requests.filter(
    ({ status, completed_at: at }) => status === 'COMPLETED' && at !== null && nowMs - Date.parse(at) < MINUTE_MS,
  );
  const measured = lanes.filter(isBusy).reduce((sum, { drain_rate_per_minute: rate }) => sum + rate, 0);
  return Math.round(Math.max(recent.length, measured));
}
