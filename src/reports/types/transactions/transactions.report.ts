import { z } from 'zod';
import { defineReport } from '../../define-report.js';
import { date, id, money, text } from '../../formats/columns.js';
import { csvMoney } from '../../formats/csv.js';
import { drawLedger, transactionRows } from './ledger.js';
import { seededRandom } from '../../../platform/seeded-random.js';

const ROWS_PER_MS = 1_500;
const BYTES_PER_ROW = 72;
const HEAD_BYTES = 512;

/** Synthetic transactions of a company's last 30 days, with their totals. */
export default defineReport({
  type: 'transactions',
  title: 'Transactions of the last 30 days',
  params: z.strictObject({
    num_transactions: z.int().min(1).max(1_000_000).default(50).describe('Number of transactions'),
    report_name: z
      .string()
      .regex(/^[A-Za-z0-9 _.-]{1,100}$/, 'must be 1 to 100 of: letters, digits, space, _ . -')
      .default('Monthly_Report')
      .describe('Name of the report; its file is named after it'),
    as_of: z.iso
      .date()
      // The day 30 days earlier must still have a year of four digits.
      .regex(/^(19|2\d)/, 'must be in the years 1900 to 2999')
      .optional()
      .describe('The day after the reported 30 days; by default the day of the request (UTC)'),
  }),
  fixDefaults: ({ num_transactions, report_name, as_of }, { at }) => ({
    num_transactions,
    report_name,
    as_of: as_of ?? at.toISOString().slice(0, 10),
  }),
  expectedMs: ({ num_transactions }) => num_transactions / ROWS_PER_MS,
  reportName: ({ report_name }) => report_name,
  expectedBytes: ({ num_transactions }) => HEAD_BYTES + num_transactions * BYTES_PER_ROW,
  columns: [id('Transaction ID'), date('Date'), text('Type'), text('Category'), text('Description'), money('Amount')],
  table({ num_transactions, report_name, as_of }) {
    const below = seededRandom(JSON.stringify(['transactions', num_transactions, report_name, as_of]));
    const ledger = drawLedger(num_transactions, below);
    const { revenueCents, expensesCents } = ledger;
    const netCents = revenueCents - expensesCents;
    return {
      head: {
        Report: report_name,
        'As of': as_of,
        'Total transactions': num_transactions,
        'Total revenue': csvMoney(revenueCents),
        'Total expenses': csvMoney(expensesCents),
        'Net income': csvMoney(netCents),
      },
      rows: transactionRows(ledger, as_of, below),
      summary: () => ({
        total_transactions: num_transactions,
        total_revenue: revenueCents / 100,
        total_expenses: expensesCents / 100,
        net_income: netCents / 100,
        total_revenue_cents: revenueCents,
        total_expenses_cents: expensesCents,
        net_income_cents: netCents,
      }),
    };
  },
});
