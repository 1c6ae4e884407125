import { z } from 'zod';

/** The books. */
export const bookSettings = z.object({
  BASE_CURRENCY: z
    .string()
    .regex(/^[A-Z]{3}$/, 'a currency of ISO 4217, such as USD')
    .default('USD')
    .describe('Currency (ISO 4217) of orders and summaries that name none'),
});
