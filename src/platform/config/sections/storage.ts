import { z } from 'zod';
import { bytesOrOff, freeSpace } from '../values.js';

/** Limits of the space that report files take. */
export const storageSettings = z.object({
  MAX_STORAGE_ACCOUNT: bytesOrOff
    .prefault('10gb')
    .describe(
      'Maximum bytes of the report files of one account, those of unfinished requests by estimate; `off` for none',
    ),
  MIN_FREE_DISK: freeSpace
    .optional()
    .describe(
      'Free disk space below which nothing is accepted or generated: a size, a percentage, or `off`. Default: `1gb`, or `5%` if that is less',
    ),
});
