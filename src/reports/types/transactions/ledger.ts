import type { DrawBelow } from '../../../platform/seeded-random.js';

const PERIOD_DAYS = 30;
const DAY_MS = 86_400_000;

interface Kind {
  name: string;
  /** Both bounds are inclusive. */
  minCents: number;
  maxCents: number;
  /** Category and description, each pair equally likely. */
  details: readonly (readonly [category: string, description: string])[];
}

function pairs(categories: Record<string, readonly string[]>): Kind['details'] {
  return Object.entries(categories).flatMap(([category, descriptions]) =>
    descriptions.map((description) => [category, description] as const),
  );
}

const REVENUE: Kind = {
  name: 'Revenue',
  minCents: 5_000_00,
  maxCents: 50_000_00,
  details: pairs({
    'Sales Income': ['Online store sales', 'Wholesale order', 'Point-of-sale takings'],
    'Service Fees': ['Maintenance contract', 'Support subscription', 'Installation fee'],
    'Interest Income': ['Interest on deposits', 'Bond coupon', 'Interest on customer credit'],
    Consulting: ['Advisory retainer', 'Project milestone', 'Training workshop'],
  }),
};

const EXPENSE: Kind = {
  name: 'Expense',
  minCents: 500_00,
  maxCents: 15_000_00,
  details: pairs({
    Payroll: ['Salaries', 'Contractor invoices', 'Overtime pay'],
    Marketing: ['Search advertising', 'Trade fair', 'Brochure printing'],
    'Office Supplies': ['Paper and toner', 'Office furniture', 'Kitchen supplies'],
    Software: ['Licence renewal', 'Cloud hosting', 'Development tools'],
    Travel: ['Flights', 'Hotel nights', 'Rail tickets'],
    Utilities: ['Electricity', 'Internet line', 'Heating'],
  }),
};

/** The kinds and amounts of all transactions, in file order. Typed arrays: a million transactions take 5 MB. */
export interface Ledger {
  isRevenue: Uint8Array;
  cents: Uint32Array;
  revenueCents: number;
  expensesCents: number;
}

/** Draws kinds and amounts before the rows, because the totals are at the top of the file. Exactly 60% are revenue. */
export function drawLedger(count: number, below: DrawBelow): Ledger {
  const ledger = { isRevenue: new Uint8Array(count), cents: new Uint32Array(count), revenueCents: 0, expensesCents: 0 };
  // Selection sampling (Knuth, vol. 2, 3.4.2, algorithm S): every order is possible, and the share is exact.
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

/** Draws the remaining cells of each row: a day of the period, a category and a description. */
export function* transactionRows({ isRevenue, cents }: Ledger, asOf: string, below: DrawBelow) {
  const days = daysBefore(asOf);
  for (let row = 0; row < cents.length; row++) {
    const kind = isRevenue[row] ? REVENUE : EXPENSE;
    const day = days[below(PERIOD_DAYS)]!;
    const detail = kind.details[below(kind.details.length)]!;
    yield [transactionId(row + 1), day, kind.name, detail[0], detail[1], cents[row]!] as const;
  }
}

/** `padStart` takes several times as long. */
const transactionId = (number: number): string => `TXN-${number < 10_000 ? String(100_000 + number).slice(1) : number}`;

/** The days of the last period used: small reports of one day share them, and computing them takes longer than the rest. */
let latest: { asOf: string; days: readonly string[] } = { asOf: '', days: [] };

/** The 30 days before `asOf`, the earliest first. */
function daysBefore(asOf: string): readonly string[] {
  if (latest.asOf === asOf) return latest.days;
  const endMs = Date.parse(asOf);
  const days = Array.from({ length: PERIOD_DAYS }, (_, day) =>
    new Date(endMs - (PERIOD_DAYS - day) * DAY_MS).toISOString().slice(0, 10),
  );
  latest = { asOf, days };
  return days;
}
