import { z } from 'zod';
import { freeSpace } from '../values.js';

/** Limits of the space that report files take. */
export const storageSettings = z.object({
  MIN_FREE_DISK: freeSpace
    .optional()
    .describe(
      'Free disk space below which nothing is accepted or generated: a size, a percentage, or `off`. Default: `1gb`, or `5%` if that is less',
    ),
});
