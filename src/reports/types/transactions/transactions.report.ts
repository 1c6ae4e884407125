import { z } from 'zod';
import { LRUCache } from 'lru-cache';
import { defineReport, type ReportContext } from '../../define-report.js';
import { csvHead, csvLastMoney, csvMoney, csvText } from '../../formats/csv.js';
import { seededRandom, type DrawBelow } from './seeded-random.js';

const transactionsParams = z.strictObject({
  num_transactions: z.int().min(1).max(1_000_000).default(50).describe('Number of transactions'),
  report_name: z
    .string()
    .regex(/^[A-Za-z0-9 _.-]{1,100}$/, 'must be 1 to 100 of: letters, digits, space, _ . -')
    .default('Monthly_Report')
    .describe('Name of the report; the file is called after it'),
  as_of: z.iso
    .date()
    // Thirty days before it must still be a date of four digits.
    .regex(/^(19|2\d)/, 'must be in the years 1900 to 2999')
    .optional()
    .describe('The day after the reported 30 days; by default the day of the request (UTC)'),
});
type TransactionsParams = Required<z.output<typeof transactionsParams>>;

const COLUMNS = ['Transaction ID', 'Date', 'Type', 'Category', 'Description', 'Amount'];
const PERIOD_DAYS = 30;
const ROWS_PER_MS = 1_500;
const DAY_MS = 86_400_000;

interface Kind {
  name: string;
  /** Bounds of an amount, both included. */
  minCents: number;
  maxCents: number;
  /** Descriptions by category; each category is equally likely, then each of its descriptions. */
  categories: Record<string, readonly [string, string, string]>;
}

const REVENUE: Kind = {
  name: 'Revenue',
  minCents: 5_000_00,
  maxCents: 50_000_00,
  categories: {
    'Sales Income': ['Online store sales', 'Wholesale order', 'Point-of-sale takings'],
    'Service Fees': ['Maintenance contract', 'Support subscription', 'Installation fee'],
    'Interest Income': ['Interest on deposits', 'Bond coupon', 'Interest on customer credit'],
    Consulting: ['Advisory retainer', 'Project milestone', 'Training workshop'],
  },
};

const EXPENSE: Kind = {
  name: 'Expense',
  minCents: 500_00,
  maxCents: 15_000_00,
  categories: {
    Payroll: ['Salaries', 'Contractor invoices', 'Overtime pay'],
    Marketing: ['Search advertising', 'Trade fair', 'Brochure printing'],
    'Office Supplies': ['Paper and toner', 'Office furniture', 'Kitchen supplies'],
    Software: ['Licence renewal', 'Cloud hosting', 'Development tools'],
    Travel: ['Flights', 'Hotel nights', 'Rail tickets'],
    Utilities: ['Electricity', 'Internet line', 'Heating'],
  },
};

/** The transactions' kinds and amounts, in file order. Typed arrays: a million of them take 5 MB. */
interface Ledger {
  isRevenue: Uint8Array;
  cents: Uint32Array;
  revenueCents: number;
  expensesCents: number;
}

/** Draws the ledger ahead of the rows, because its totals stand at the top of the file. */
function drawLedger(count: number, below: DrawBelow): Ledger {
  const ledger = { isRevenue: new Uint8Array(count), cents: new Uint32Array(count), revenueCents: 0, expensesCents: 0 };
  // Selection sampling (Knuth, vol. 2, 3.4.2, algorithm S): any order may come, and the share is exact.
  let revenueLeft = Math.round((count * 6) / 10);
  for (let row = 0; row < count; row++) {
    const isRevenue = below(count - row) < revenueLeft;
    const { minCents, maxCents } = isRevenue ? REVENUE : EXPENSE;
    const cents = minCents + below(maxCents - minCents + 1);
    ledger.cents[row] = cents;
    if (isRevenue) {
      ledger.isRevenue[row] = 1;
      ledger.revenueCents += cents;
      revenueLeft--;
    } else {
      ledger.expensesCents += cents;
    }
  }
  return ledger;
}

/** Type, category and description of every possible row as finished cells, so that no row is quoted anew. */
function detailCells({ name, categories }: Kind): string[] {
  return Object.entries(categories).flatMap(([category, descriptions]) =>
    descriptions.map((description) => [name, category, description].map(csvText).join(',')),
  );
}

const DETAILS = [detailCells(EXPENSE), detailCells(REVENUE)] as const;

/** The number of a row as its first cell. */
const idCell = (row: number): string => `TXN-${row < 99_999 ? String(100_001 + row).slice(1) : String(row + 1)},`;

/** Of the first rows, which every report has. */
const ID_CELLS = Array.from({ length: 1_000 }, (_, row) => idCell(row));

/** What may stand between a row's id and its amount, finished: by kind, by day. */
type Middles = readonly [expenses: string[][], revenue: string[][]];

/** By `as_of`; most small reports share a few. */
const periods = new LRUCache<string, Middles>({ max: 8 });

/** Of the days from `as_of` - 30 to `as_of` - 1. To make them takes longer than a small report. */
function middlesOf(asOf: string): Middles {
  const known = periods.get(asOf);
  if (known) return known;
  const asOfMs = Date.parse(asOf);
  const days = Array.from({ length: PERIOD_DAYS }, (_, day) => {
    return new Date(asOfMs - (PERIOD_DAYS - day) * DAY_MS).toISOString().slice(0, 10);
  });
  const ofKind = (details: string[]): string[][] =>
    days.map((day) => details.map((detail) => [day, detail, ''].join(',')));
  const middles: Middles = [ofKind(DETAILS[0]), ofKind(DETAILS[1])];
  periods.set(asOf, middles);
  return middles;
}

/** Writes the file. Its bytes follow from the parameters alone: no clock, no request id. */
function writeFile(params: TransactionsParams, ledger: Ledger, below: DrawBelow, context: ReportContext) {
  const file = context.openFile();
  file.write(
    csvHead(
      {
        Report: params.report_name,
        'As of': params.as_of,
        'Total transactions': params.num_transactions,
        'Total revenue': csvMoney(ledger.revenueCents),
        'Total expenses': csvMoney(ledger.expensesCents),
        'Net income': csvMoney(ledger.revenueCents - ledger.expensesCents),
      },
      COLUMNS,
    ),
  );
  const middles = middlesOf(params.as_of);
  for (let row = 0; row < params.num_transactions; row++) {
    const ofDay = middles[ledger.isRevenue[row] as 0 | 1][below(PERIOD_DAYS)]!;
    const middle = ofDay[below(ofDay.length)]!;
    // Of three finished pieces: of the seven that they are made of it would take a quarter more time.
    file.write((ID_CELLS[row] ?? idCell(row)) + middle + csvLastMoney(ledger.cents[row]!));
  }
  return file.finish();
}

function summaryOf({ num_transactions }: TransactionsParams, { revenueCents, expensesCents }: Ledger) {
  const netCents = revenueCents - expensesCents;
  return {
    total_transactions: num_transactions,
    total_revenue: revenueCents / 100,
    total_expenses: expensesCents / 100,
    net_income: netCents / 100,
    total_revenue_cents: revenueCents,
    total_expenses_cents: expensesCents,
    net_income_cents: netCents,
  };
}

/** Synthetic transactions of a company's last 30 days, with what they come to. */
export default defineReport({
  type: 'transactions',
  title: 'Transactions of the last 30 days',
  params: transactionsParams,
  formats: ['csv'],
  fixDefaults: ({ num_transactions, report_name, as_of }, { today }): TransactionsParams => {
    return { num_transactions, report_name, as_of: as_of ?? today };
  },
  expectedMs: ({ num_transactions }) => num_transactions / ROWS_PER_MS,
  build(params, context) {
    const startedAt = performance.now();
    const { num_transactions, report_name, as_of } = params;
    const below = seededRandom(JSON.stringify(['transactions', num_transactions, report_name, as_of]));
    const ledger = drawLedger(num_transactions, below);
    const { sizeBytes, sha256 } = writeFile(params, ledger, below, context);
    const fileName = `${report_name.replace(/ +/g, '_')}_${context.requestId}.${context.format}`;
    return {
      report_name,
      file_id: context.fileId,
      file_name: fileName,
      file_size_bytes: sizeBytes,
      sha256,
      row_count: num_transactions,
      download_url: `/api/reports/${encodeURIComponent(fileName)}`,
      summary: summaryOf(params, ledger),
      processing_time_ms: Math.round(performance.now() - startedAt),
    };
  },
});
