import { z } from 'zod';
import { pageLimit } from '../../../http/fields/page-query.js';

/** Postgres has no year 0. Without a lookahead, which generators of clients do not support everywhere. */
export const PERIOD = /^(?:[1-9]\d{3}|0[1-9]\d{2}|00[1-9]\d|000[1-9])-(?:0[1-9]|1[0-2])$/;

const period = z.string().regex(PERIOD, 'must be a month, such as 2026-03');

export const periodParam = period;

export const periodsQuery = z.strictObject({
  limit: pageLimit('Periods'),
  cursor: period.optional().describe('`next_cursor` of the previous page'),
});
export type PeriodsQuery = z.output<typeof periodsQuery>;

export const periodView = z
  .object({
    period: period.describe('A month in UTC'),
    status: z.enum(['open', 'closed']).describe('Nothing can be posted into a closed period'),
    closed_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Period' });
export type PeriodView = z.infer<typeof periodView>;

export const periodPage = z
  .object({ periods: z.array(periodView), next_cursor: z.string().nullable() })
  .meta({ id: 'PeriodPage' });
