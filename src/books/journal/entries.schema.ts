import { z } from 'zod';
import { pageLimit } from '../../http/fields/page-query.js';
import { dateTime } from '../../http/fields/date-time.js';
import { label } from '../../http/fields/label.js';
import { currency } from '../currency.js';
import { imbalances } from './journal-entry.js';

const LEDGER_ACCOUNT = /^(assets|liabilities|equity|income|expenses)(:[a-z0-9-]+){1,4}$/;
/** A page of entries has up to 200 times as many lines. */
const MAX_LINES = 100;
const MAX_MEMO = 500;

export const ledgerAccount = z
  .string()
  .max(200)
  .regex(
    LEDGER_ACCOUNT,
    'must be assets, liabilities, equity, income or expenses, then 1 to 4 names of a-z, 0-9 and -, such as assets:cash',
  );

/** A number of an entry in a query; 0 is before the first. */
export const throughEntry = z
  .string()
  .regex(/^\d{1,15}$/, 'must be the number of an entry, or 0')
  .transform(Number);

const line = z
  .strictObject({
    ledger_account: ledgerAccount,
    currency,
    amount_cents: z.int().describe('Minor units; positive for a debit, negative for a credit. A line of 0 is left out'),
    customer_id: z.uuid().optional().describe('A customer of the account'),
  })
  .meta({ id: 'JournalLineBody' });

const lines = z
  .array(line)
  .min(1)
  .max(MAX_LINES)
  .superRefine((given, context) => {
    const amounts = given.map((one) => ({ currency: one.currency, amountCents: one.amount_cents }));
    const sums = [...imbalances(amounts)].map(([code, sum]) => `${code} by ${sum}`);
    if (sums.length > 0) context.addIssue(`must sum to 0 in each currency, and differ: ${sums.join(', ')}`);
    else if (given.every((one) => one.amount_cents === 0)) context.addIssue('must have amounts other than 0');
  });

const effectiveAt = dateTime.describe('Time at which the entry counts; its month (UTC) must be open');
const memo = label(MAX_MEMO).describe('Reason for the entry');

export const adjustmentBody = z.strictObject({ effective_at: effectiveAt, memo, lines }).meta({
  id: 'AdjustmentBody',
  example: {
    effective_at: '2026-03-31T12:00:00.000Z',
    memo: 'Bank fees of March',
    lines: [
      { ledger_account: 'expenses:bank-fees', currency: 'USD', amount_cents: 1_250 },
      { ledger_account: 'assets:cash', currency: 'USD', amount_cents: -1_250 },
    ],
  },
});
export type AdjustmentBody = z.output<typeof adjustmentBody>;

/** The body is optional. */
export const reversalBody = z
  .strictObject({
    effective_at: effectiveAt.optional().describe('Time at which the reversal counts; now by default'),
    memo: memo.optional(),
  })
  .prefault({})
  .meta({ id: 'ReversalBody', example: { memo: 'Booked twice' } });
export type ReversalBody = z.output<typeof reversalBody>;

/** Any string: a number that no entry can have is unknown, so the service answers 404. */
export const entryNumberParam = z.string();

export const entriesQuery = z
  .strictObject({
    from: dateTime.optional().describe('Only entries that count at this time or later'),
    to: dateTime.optional().describe('Only entries that count before this time'),
    ledger_account: ledgerAccount.optional().describe('Only entries with a line of this ledger account'),
    through_entry: throughEntry.optional().describe('Only entries up to this number'),
    limit: pageLimit('Entries'),
    cursor: z
      .string()
      .regex(/^\d{1,16}(@-?\d{1,16})?$/, 'must be the next_cursor of the previous page')
      .optional()
      .describe('`next_cursor` of the previous page'),
  })
  .refine(({ from, to }) => !from || !to || from < to, { path: ['to'], error: 'must be after from' });
export type EntriesQuery = z.output<typeof entriesQuery>;

const timestamp = z.iso.datetime();

export const entryView = z
  .object({
    number: z.int().describe('Numbers of an account start at 1 and have no gaps'),
    effective_at: timestamp.describe('Time at which the entry counts'),
    recorded_at: timestamp.describe('Time at which the entry was written'),
    kind: z.string().describe('`adjustment`, `reversal`, or the event that posted it, such as `order.paid`'),
    source_type: z.string().nullable().describe('What posted the entry, such as `order`'),
    source_id: z.uuid().nullable(),
    memo: z.string().nullable(),
    reverses: z.int().nullable().describe('Number of the entry that this one reverses'),
    lines: z.array(
      z
        .object({
          ledger_account: z.string(),
          currency: z.string(),
          amount_cents: z.int(),
          customer_id: z.uuid().optional(),
        })
        .meta({ id: 'JournalLine' }),
    ),
  })
  .meta({ id: 'JournalEntry' });
export type EntryView = z.infer<typeof entryView>;
/** Callers without `books:read` do not get the lines. */
export const reversalView = entryView.partial({ lines: true }).meta({ id: 'Reversal' });
export type ReversalView = z.infer<typeof reversalView>;

export const entryPage = z
  .object({ entries: z.array(entryView), next_cursor: z.string().nullable() })
  .meta({ id: 'JournalEntryPage' });
