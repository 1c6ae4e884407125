import { Injectable } from '@nestjs/common';
import type { Copy, Query } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import { newId } from '../../platform/ids.js';
import { constraintOf } from '../customers/customer.repository.js';
import { EmailTaken } from '../customers/customers.errors.js';
import { JournalStore, postingError } from '../journal/journal.store.js';
import { CANCELLED, PAID, SOURCE_TYPE } from '../orders/order-entries.js';
import { isCounted } from '../orders/order-moves.js';
import type { SeedCustomer, SeedOrder } from './generated-books.js';

/** The books and the run that generated rows belong to. */
export interface SeedRun {
  account: string;
  currency: string;
  /** The domain of the emails, which no other run of the account has. */
  domain: string;
}

/** Runs with one seed follow each other, so that each finds the emails of those before. */
const LOCK = statement('seed_lock', `SELECT pg_advisory_xact_lock(hashtextextended('seed ' || :account || :seed, 0))`);

/** The first number for which the customer has no email yet. */
const NEXT_RUN = statement(
  'seed_next_run',
  `WITH RECURSIVE run (number) AS (
    SELECT 1
    UNION ALL
    SELECT number + 1 FROM run WHERE EXISTS (
      SELECT FROM customers WHERE account_id = :account::uuid AND lower(email) = :before || number || :after
    )
  )
  SELECT max(number) AS number FROM run`,
);

/** Plans that were made while the tables were empty would read whole tables. */
const PLAN_AGAIN = { name: '', text: 'DISCARD PLANS' };

const CUSTOMERS = 'COPY customers (id, account_id, name, email) FROM STDIN';
const ORDERS = `COPY orders (id, account_id, customer_id, status, currency, total_cents, customer_name, customer_email, placed_at,
  paid_at, shipped_at, cancelled_at, version) FROM STDIN`;
const ITEMS = 'COPY order_items (id, order_id, position, sku, quantity, unit_price_cents) FROM STDIN';
const TOTALS =
  'COPY customer_totals (account_id, customer_id, currency, order_count, total_cents, is_active) FROM STDIN';
const ENTRIES = `COPY journal_entries (account_id, number, effective_at, recorded_at, kind, source_type, source_id, reverses)
  FROM STDIN`;
const LINES = `COPY journal_lines (account_id, number, line, ledger_account, currency, amount_cents, customer_id) FROM STDIN`;

const NULL = String.raw`\N`;
const time = (ms: number | null): string => (ms === null ? NULL : new Date(ms).toISOString());
/** No value has a tab, a line break or a backslash. */
const row = (...values: (string | number)[]): string => `${values.join('\t')}\n`;

/**
 * Inserts generated books with COPY, in the caller's transaction. Hand-written SQL, because of that. The rows are new, so no
 * other transaction waits for them; the counter of the journal stays locked until the commit, as with every posting.
 */
@Injectable()
export class SeedStore {
  constructor(private readonly journal: JournalStore) {}

  /** @param before The email of a customer of the run, before its number. @param after And after it. */
  async nextRun(query: Query, account: string, seed: number, before: string, after: string): Promise<number> {
    await query(LOCK, { account, seed: String(seed) });
    const rows: { number: number }[] = await query(NEXT_RUN, { account, before, after });
    return rows[0]!.number;
  }

  /** @throws EmailTaken, PeriodClosed */
  async insert(query: Query, copy: Copy, run: SeedRun, customers: readonly SeedCustomer[]): Promise<void> {
    try {
      await query(PLAN_AGAIN);
      await copy(
        CUSTOMERS,
        pieces(customers, (customer) => customerRow(run, customer)),
      );
      await copy(
        ORDERS,
        pieces(customers, (customer) => orderRows(run, customer)),
      );
      await copy(ITEMS, pieces(customers, itemRows));
      await copy(
        TOTALS,
        pieces(sorted(customers), (customer) => totalsRow(run, customer)),
      );
      await this.post(query, copy, run, customers);
    } catch (error) {
      throw constraintOf(error) === 'customers_email' ? new EmailTaken() : postingError(error);
    }
  }

  private async post(query: Query, copy: Copy, run: SeedRun, customers: readonly SeedCustomer[]): Promise<void> {
    const entries = customers.flatMap(entriesOf);
    if (entries.length === 0) return;
    const { base, recordedAt } = await this.journal.takeNumbers(query, run.account, entries.length);
    const recorded = recordedAt.toISOString();
    await copy(
      ENTRIES,
      pieces(entries, (entry, index) => entryRow(run, entry, base + index + 1, recorded)),
    );
    await copy(
      LINES,
      pieces(entries, (entry, index) => lineRows(run, entry, base + index + 1)),
    );
  }
}

/** Rows of a COPY in pieces, so that the text of a big one is never in memory at once. */
function* pieces<T>(all: readonly T[], text: (one: T, index: number) => string): Generator<string> {
  for (const [index, one] of all.entries()) yield text(one, index);
}

/** In the order in which totals are locked. */
const sorted = (customers: readonly SeedCustomer[]): SeedCustomer[] =>
  customers.toSorted((one, other) => (one.id < other.id ? -1 : 1));

const emailOf = ({ domain }: SeedRun, { mailbox }: SeedCustomer): string => `${mailbox}@${domain}`;

const customerRow = (run: SeedRun, customer: SeedCustomer): string =>
  row(customer.id, run.account, customer.name, emailOf(run, customer));

function orderRows(run: SeedRun, customer: SeedCustomer): string {
  const email = emailOf(run, customer);
  const rows = customer.orders.map((order) => {
    const fixed = order.paidAt === null ? [NULL, NULL] : [customer.name, email];
    const times = [order.placedAt, order.paidAt, order.shippedAt, order.cancelledAt];
    // Each move is a version.
    const version = times.filter((at) => at !== null).length;
    const { id, status, totalCents } = order;
    return row(id, run.account, customer.id, status, run.currency, totalCents, ...fixed, ...times.map(time), version);
  });
  return rows.join('');
}

function itemRows({ orders }: SeedCustomer): string {
  let rows = '';
  for (const { id, items } of orders) {
    for (const [index, { sku, quantity, unitPriceCents }] of items.entries())
      rows += row(newId(), id, index + 1, sku, quantity, unitPriceCents);
  }
  return rows;
}

function totalsRow({ account, currency }: SeedRun, { id, orders }: SeedCustomer): string {
  const counted = orders.filter(({ status }) => isCounted({ status, isArchived: false }));
  if (counted.length === 0) return '';
  const cents = counted.reduce((sum, { totalCents }) => sum + totalCents, 0);
  return row(account, id, currency, counted.length, cents, 't');
}

/** An entry of an order. A cancellation is the entry right after the payment that it reverses. */
interface SeedEntry {
  kind: string;
  order: SeedOrder;
  customerId: string;
  at: number;
  cents: number;
}

function entriesOf({ id: customerId, orders }: SeedCustomer): SeedEntry[] {
  return orders.flatMap((order) => {
    const { paidAt, cancelledAt, totalCents: cents } = order;
    if (paidAt === null) return [];
    const paid = { kind: PAID, order, customerId, at: paidAt, cents };
    return cancelledAt === null ? [paid] : [paid, { ...paid, kind: CANCELLED, at: cancelledAt, cents: -cents }];
  });
}

function entryRow({ account }: SeedRun, { kind, order, at }: SeedEntry, number: number, recorded: string): string {
  return row(account, number, time(at), recorded, kind, SOURCE_TYPE, order.id, kind === PAID ? NULL : number - 1);
}

function lineRows({ account, currency }: SeedRun, { customerId, cents }: SeedEntry, number: number): string {
  return (
    row(account, number, 1, 'assets:cash', currency, cents, customerId) +
    row(account, number, 2, 'income:orders', currency, -cents, customerId)
  );
}
