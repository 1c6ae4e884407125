/** The input of the checker: the responses that writers got, and the books after the run. */
export interface BookHistory {
  writes: Write[];
  customers: CustomerRow[];
  orders: OrderRow[];
  /** Sorted by number. */
  entries: EntryRow[];
  periods: PeriodRow[];
  /** The responses of `GET /api/orders/summary` after the run. */
  summaries: Summary[];
  /** The result of `daybook books verify` after the run. */
  verification: { exitCode: number | null; output: string };
}

export type OrderMove = 'pay' | 'ship' | 'cancel';
export type WriteKind = 'customer' | 'order' | OrderMove | 'archive' | 'change' | 'adjust' | 'reverse' | 'close';

/** A change that a writer sent, and repeated until the response was clear. */
export interface Write {
  kind: WriteKind;
  /** Account id, as in the tables. */
  books: string;
  /**
   * The email, external_ref or memo of a new customer, order or adjustment. For a change: the order id, entry number or
   * month.
   */
  subject: string;
  /** Only for a new order. */
  totalCents?: number;
  /** The status of each try; null for a try without a response. The last one is the final response. */
  statuses: (number | null)[];
  /** The id or entry number in the response to a creation. */
  createdId: string | null;
}

export interface CustomerRow {
  books: string;
  id: string;
  email: string;
  isActive: boolean;
}

export interface OrderRow {
  books: string;
  id: string;
  customerId: string;
  externalRef: string;
  status: string;
  currency: string;
  totalCents: number;
  isArchived: boolean;
  isPaid: boolean;
}

export interface EntryRow {
  books: string;
  number: number;
  kind: string;
  sourceId: string | null;
  memo: string | null;
  reverses: number | null;
  /** The month of `effective_at` in UTC, such as 2026-03. */
  month: string;
  effectiveAtMs: number;
  recordedAtMs: number;
  /** Sorted by line number. */
  lines: LineRow[];
}

export interface LineRow {
  ledgerAccount: string;
  currency: string;
  amountCents: number;
}

export interface PeriodRow {
  books: string;
  month: string;
  closedAtMs: number;
}

export interface Summary {
  books: string;
  currency: string;
  limit: number;
  rows: SummaryRow[];
}

export interface SummaryRow {
  customer_id: string;
  order_count: number;
  total_cents: number;
}
