/** Everything that the checker of the books needs: the answers that writers got, and the books after the run. */
export interface BookHistory {
  writes: Write[];
  customers: CustomerRow[];
  orders: OrderRow[];
  /** In the order of their numbers. */
  entries: EntryRow[];
  periods: PeriodRow[];
  /** Of `GET /api/orders/summary` after the run. */
  summaries: Summary[];
  /** Of `daybook books verify` after the run. */
  verification: { exitCode: number | null; output: string };
}

export type OrderMove = 'pay' | 'ship' | 'cancel';
export type WriteKind = 'customer' | 'order' | OrderMove | 'archive' | 'change' | 'adjust' | 'reverse' | 'close';

/** A change that a writer asked for, and sent again until the answer was clear. */
export interface Write {
  kind: WriteKind;
  /** The account id of the books, as in the tables. */
  books: string;
  /** Email, external_ref or memo of a new customer, order or adjustment; order id, entry number, or month of a change. */
  subject: string;
  /** Of a new order. */
  totalCents?: number;
  /** Null for a try without an answer. The last one is the clear answer, if there was one. */
  statuses: (number | null)[];
  /** Id, or number of the entry, that the answer named. */
  made: string | null;
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
  /** Of `effective_at`, in UTC, such as 2026-03. */
  month: string;
  effectiveAtMs: number;
  recordedAtMs: number;
  /** In their order. */
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
