import { z } from 'zod';
import { origins } from '../values.js';

/** Web pages that call the API, and the demo receiver. */
export const webSettings = z.object({
  CORS_ORIGINS: origins.default([]).describe('Web origins whose pages may call the API'),
  DEMO_RECEIVER: z
    .enum(['on', 'off'])
    .optional()
    .transform((text) => text && text === 'on')
    .describe('The built-in callback receiver. Default `on`; `off` with `NODE_ENV=production` or `AUTH=required`'),
  NODE_ENV: z.string().default('development').describe('`production` turns the demo receiver and generated books off'),
});
