import { z } from 'zod';
import { MOST_COUNTED } from '../../platform/database/bounded-rows.js';

/** The statuses of the library; some have no job here. */
const status = z.enum(['latest', 'active', 'waiting', 'delayed', 'failed', 'completed', 'paused']);

const whole = (max: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,5}$/, `must be a whole number from 1 to ${max}`)
    .refine((text) => Number(text) <= max, `must be a whole number from 1 to ${max}`);

/** The query of a page of jobs. The page of the board sends every field, some of them empty. */
export const boardQuery = z.object({
  activeQueue: z
    .string()
    .max(64)
    .regex(/^[\w-]*$/, 'must be the name of a queue')
    .optional(),
  status: z.union([status, z.literal('')]).optional(),
  page: whole(MOST_COUNTED).optional(),
  jobsPerPage: whole(50).optional(),
});
export type BoardQuery = z.infer<typeof boardQuery>;

/** A name in a path. One that names nothing is a 404. */
export const pathName = z.string();
