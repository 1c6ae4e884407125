import { resolve } from 'node:path';
import { z } from 'zod';
import { wholeNumber } from '../values.js';

/** Role, address, log and data folder of a process. */
export const processSettings = z.object({
  ROLE: z
    .enum(['all', 'api', 'worker'])
    .default('all')
    .describe(
      'Role of this process: `api` answers HTTP, `worker` generates reports and delivers callbacks, `all` does both',
    ),
  PORT: wholeNumber(0, 65_535).prefault('3000').describe('Port to listen on; 0 takes a free one'),
  HOST: z
    .string()
    .default('127.0.0.1')
    .describe('Address to listen on. Anything but loopback opens the API to the network'),
  AUTH: z
    .enum(['open', 'required'])
    .default('open')
    .describe(
      'Access to the API: `open` admits every caller that reaches the port, `required` only callers with an API key',
    ),
  ALLOW_OPEN: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .describe(
      '`true` allows `AUTH=open` on a `HOST` other than loopback, where every caller on the network can do everything',
    ),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'log', 'debug']).default('log').describe('Least severe level logged'),
  LOG_FORMAT: z.enum(['text', 'json']).default('text').describe('`json` writes one object per line'),
  DATA_DIR: z
    .string()
    .refine((path) => !path.startsWith('~'), 'a path without ~, which only a shell replaces')
    .default('.daybook')
    .transform((path) => resolve(path))
    .describe('Folder of the report files and of the embedded Postgres'),
});
