import { z } from 'zod';
import { wholeNumber, serviceUrl } from '../values.js';

/** The connection to Postgres. */
export const databaseSettings = z.object({
  DATABASE_URL: serviceUrl('postgres', 'postgresql')
    .optional()
    .describe('Postgres 14 or newer. Without it an embedded Postgres runs under `DATA_DIR`'),
  DATABASE_REPLICA_URL: serviceUrl('postgres', 'postgresql')
    .optional()
    .describe('A read replica for reports over the books; it is used while it has the entries that a report needs'),
  DATABASE_POOL: wholeNumber(2, 200).prefault('10').describe('Maximum connections of one process to Postgres'),
  DATABASE_PREPARE: z
    .enum(['on', 'off'])
    .default('on')
    .transform((text) => text === 'on')
    .describe('Named prepared statements; `off` behind a transaction-pooling PgBouncer older than 1.21'),
});
