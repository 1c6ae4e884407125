import { z } from 'zod';
import { duration } from '../values.js';

/** The books. */
export const bookSettings = z.object({
  BASE_CURRENCY: z
    .string()
    .regex(/^[A-Z]{3}$/, 'a currency of ISO 4217, such as USD')
    .default('USD')
    .describe('Currency (ISO 4217) of orders and summaries that name none'),
  IMPORT_IDLE_TIMEOUT: duration(1_000, 600_000, 'a time from 1s to 10m')
    .prefault('30s')
    .describe('Time after which an import is ended whose sender is silent, or sends less than 4 KiB'),
});
