import { z } from 'zod';

const MIN_SECRET = 32;
const MAX_SECRET = 512;

/** Users and their tokens. */
export const userSettings = z.object({
  REGISTRATION: z
    .enum(['open', 'customers', 'off'])
    .default('open')
    .describe('Users who may register: `open` for everyone, `customers` for customers only, or `off`'),
  TOKEN_SECRET: z
    .string()
    .refine(
      (text) => text.length >= MIN_SECRET && text.length <= MAX_SECRET,
      `a random text of ${MIN_SECRET} to ${MAX_SECRET} characters`,
    )
    .optional()
    .describe('Secret that signs access tokens. Without it the database keeps a generated one'),
});
