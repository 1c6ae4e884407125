import { z } from 'zod';
import { processLoad } from './process-load.js';

const cause = z
  .string()
  .nullable()
  .describe('Why it is down: a stable code of docs/operations.md; null while it is up');
const latency = z.number().nullable().describe('Time of the check; null if it did not end');
const dependency = z
  .object({
    status: z.enum(['up', 'down']),
    cause,
    latency_ms: latency,
    version: z.string().nullable().describe('Version of the server; null if it is down or has none'),
  })
  .meta({ id: 'Dependency' });
export type Dependency = z.infer<typeof dependency>;

const queue = z.object({
  paused_at: z.iso.datetime().nullable().describe('When the queue was paused; null while it is not'),
});

/** The answer of `GET /api/health` to operators. */
export const healthReport = z
  .object({
    status: z.enum(['ok', 'degraded']),
    version: z.string(),
    role: z.enum(['all', 'api', 'worker']),
    uptime_seconds: z.int(),
    dependencies: z.object({
      database: dependency,
      queue: dependency.extend({ driver: z.enum(['in-process', 'redis']) }),
      storage: dependency,
      mail: dependency.extend({
        driver: z.enum(['smtp', 'none']).describe('`none`: without `SMTP_URL` messages are kept'),
      }),
      workers: dependency.extend({ alive: z.int().nullable(), active: z.int().nullable() }),
    }),
    queues: z
      .object({ reports: queue, callbacks: queue, mail: queue })
      .nullable()
      .describe('The queues that can be paused; null without the database'),
    migrations: z
      .object({
        status: z.enum(['current', 'pending', 'newer']).describe('`newer`: a process of a later version has migrated'),
        newest: z.string().nullable(),
        applied: z.int(),
        pending: z.array(z.string()),
      })
      .nullable(),
    ...processLoad.shape,
    disk: z.object({ free_bytes: z.int(), total_bytes: z.int(), is_low: z.boolean() }).nullable(),
  })
  .meta({ id: 'HealthReport' });
export type HealthReport = z.infer<typeof healthReport>;

/** The answer to everybody else. */
export const publicHealth = z.object({ status: z.enum(['ok', 'degraded']) }).meta({ id: 'PublicHealth' });
export type PublicHealth = z.infer<typeof publicHealth>;
