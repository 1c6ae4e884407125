import { z } from 'zod';
import { UNIT_MS, duration, durationOrOff } from '../values.js';

/** Leases, sweeps and retention. */
export const jobSettings = z.object({
  LANE_LEASE: duration(2_000, 600_000, 'a time from 2s to 10m')
    .prefault('15s')
    .describe(
      'Time after which the lanes of a silent worker are free; at least one and a half times `CALLBACK_TIMEOUT`',
    ),
  SWEEP_INTERVAL: duration(100, 60_000, 'a time from 100ms to 1m')
    .prefault('2s')
    .describe('Interval at which each worker looks for work that no wake-up announced'),
  // Not below a day: an idempotency key is kept for that long, and no longer than its request.
  RETENTION: durationOrOff(UNIT_MS.d, 3_650 * UNIT_MS.d, 'a time from 1d to 3650d')
    .prefault('30d')
    .describe(
      'Age at which finished requests are deleted with their logs and files, unused lanes, mail, imports with errors, runs of schedules, ended redeliveries and disabled callback URLs; `off` keeps them',
    ),
  ACTION_RETENTION: durationOrOff(UNIT_MS.d, 3_650 * UNIT_MS.d, 'a time from 1d to 3650d')
    .prefault('90d')
    .describe('Age at which entries of the action log are deleted; `off` keeps them'),
});
