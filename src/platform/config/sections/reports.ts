import { z } from 'zod';
import { duration, wholeNumber } from '../values.js';

/** Generation of reports. */
export const reportSettings = z.object({
  REPORT_THREADS: wholeNumber(1, 64)
    .optional()
    .describe('Threads that generate reports, in each of the two pools (sync, async). Default: the number of cores'),
  SYNC_MAX_PENDING: wholeNumber(1, 100_000)
    .prefault('256')
    .describe('Maximum sync requests of one process that are in progress or waiting for a thread'),
  REPORT_TIMEOUT: duration(1_000, 86_400_000, 'a time from 1s to 1d')
    .prefault('10m')
    .describe('Timeout of one report; its thread is terminated and the request fails'),
});
