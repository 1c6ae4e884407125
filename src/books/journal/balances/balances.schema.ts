import { z } from 'zod';
import { dateTime } from '../../../http/fields/date-time.js';
import { throughEntry } from '../entries.schema.js';

export const balancesQuery = z
  .strictObject({
    as_of: dateTime.optional().describe('Balances of the entries that count at this time or before'),
    through_entry: throughEntry.optional().describe('Balances of the entries up to this number'),
  })
  .refine((given) => given.as_of === undefined || given.through_entry === undefined, {
    path: ['through_entry'],
    error: 'must not be given together with as_of',
  });
export type BalancesQuery = z.output<typeof balancesQuery>;

/** Sums are exact and can exceed 2^53. */
const exactCents = z.number().meta({ type: 'integer' });

export const balancesView = z
  .object({
    as_of: z.iso.datetime().nullable().describe('The time of the query; null without one'),
    through_entry: z.int().describe('Number of the last entry that counts; 0 before the first'),
    balances: z.array(
      z
        .object({
          ledger_account: z.string(),
          currency: z.string(),
          amount_cents: exactCents.describe('Positive for a debit balance. Exact, also beyond 2^53'),
        })
        .meta({ id: 'Balance' }),
    ),
  })
  .meta({ id: 'Balances' });
