import { v7 as uuidv7 } from 'uuid';
import type { NewEntry, NewLine } from '../../src/books/journal/journal-entry.js';
import { cancellationEntry, paymentEntry } from '../../src/books/orders/order-entries.js';
import { type DrawBelow, seededRandom } from '../../src/platform/seeded-random.js';
import * as tickets from '../../src/tickets/bookings/booking-entries.js';
import type { Stores } from '../support/stores.js';
import { postEntries } from './books-fixture.js';

const CURRENCIES = ['USD', 'JPY', 'KWD'];
const LEDGER_ACCOUNTS = ['assets:cash', 'assets:cash-box', 'income:orders', 'income:tickets', 'expenses:fees:card'];
const TITLES = ['=SUM(A1)', 'Jazz, "live"', '-5 °C', 'Zwei\nZeilen', 'plain'];
const START = Date.UTC(2025, 11, 1);
const DAYS = 100;

function eventOf(account: string): object {
  const organizer = { account_id: account, organizer_id: account, organizer_name: 'O' };
  const sale = { location: 'Hall', total_tickets: 1_000, tickets_sold: 0, price_cents: 1, currency: 'USD' };
  const state = { date: '2099-01-01', status: 'active', created_at: '2026-01-01', updated_at: '2026-01-01' };
  return { ...organizer, ...sale, ...state, title: 'Now another title', description: '' };
}

/** Posts a random journal to new books: adjustments, orders and bookings, a third of which are cancelled, not in the order of time. */
export async function postRandomBooks(stores: Stores, account: string, seed: string, steps: number): Promise<void> {
  const books = new RandomBooks(account, seed, steps);
  for (const [table, rows] of Object.entries(books.tables)) {
    const columns = Object.keys(rows[0]!).join(', ');
    const text = `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::${table}, $1)`;
    await stores.sql(text, [JSON.stringify(rows)]);
  }
  await postEntries(stores, account, books.entries);
}

class RandomBooks {
  readonly entries: NewEntry[] = [];
  readonly tables: Record<'customers' | 'events' | 'orders' | 'order_items' | 'bookings', object[]>;
  private readonly customers = Array.from({ length: 4 }, () => uuidv7());
  private readonly events = Array.from({ length: 3 }, () => uuidv7());
  private readonly below: DrawBelow;

  constructor(
    private readonly account: string,
    seed: string,
    steps: number,
  ) {
    this.below = seededRandom(seed);
    const { account: account_id, customers, events } = this;
    const event = eventOf(account);
    this.tables = {
      customers: customers.map((id) => ({ id, account_id, name: 'C', email: `${id}@now.example` })),
      events: events.map((id) => Object.assign({ id }, event)),
      orders: [],
      order_items: [],
      bookings: [],
    };
    for (let step = 0; step < steps; step++) this.anyOf([() => this.adjust(), () => this.order(), () => this.book()])();
  }

  private anyOf<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  private time(): Date {
    return new Date(START + this.below(DAYS * 24) * 3_600_000 + this.below(2) * this.below(3_600_000));
  }

  /** The time of a cancellation; null for most sales. */
  private cancelled(at: Date): Date | null {
    return this.below(3) === 0 ? new Date(at.getTime() + this.below(20) * 86_400_000) : null;
  }

  private adjust(): void {
    const lines: NewLine[] = CURRENCIES.slice(this.below(3)).flatMap((currency) => {
      const amountCents = 1 + this.below(100_000);
      const line = (sign: number): NewLine => ({
        currency,
        ledgerAccount: this.anyOf(LEDGER_ACCOUNTS),
        amountCents: sign * amountCents,
        customerId: this.anyOf([null, ...this.customers]),
      });
      return [line(1), line(-1)];
    });
    this.entries.push({ effectiveAt: this.time(), kind: 'adjustment', memo: this.anyOf(TITLES), lines });
  }

  private order(): void {
    const [id, customerId, currency, at] = [uuidv7(), this.anyOf(this.customers), this.anyOf(CURRENCIES), this.time()];
    const items = Array.from({ length: 1 + this.below(3) }, (_, index) => {
      const [quantity, unit_price_cents] = [1 + this.below(5), 1 + this.below(9_999)];
      return { id: uuidv7(), order_id: id, position: index + 1, sku: this.anyOf(TITLES), quantity, unit_price_cents };
    });
    const totalCents = items.reduce((sum, item) => sum + item.quantity * item.unit_price_cents, 0);
    const cancelledAt = this.cancelled(at);
    const customer = { customer_name: 'C', customer_email: `${this.below(1_000)}@then.example` };
    const status = { status: cancelledAt ? 'cancelled' : 'paid', paid_at: at, cancelled_at: cancelledAt };
    const owner = { account_id: this.account, customer_id: customerId };
    this.tables.order_items.push(...items);
    this.tables.orders.push({ id, ...owner, currency, total_cents: totalCents, ...customer, ...status });
    const order = { id, customerId, currency, totalCents };
    const number = this.entries.push(paymentEntry(order, at));
    if (cancelledAt) this.entries.push(cancellationEntry(order, cancelledAt, number));
  }

  private book(): void {
    const [id, currency, at] = [uuidv7(), this.anyOf(CURRENCIES), this.time()];
    const [num_tickets, price_cents] = [1 + this.below(4), 1 + this.below(9_999)];
    const booking = { id, currency, total_cents: num_tickets * price_cents, created_at: at };
    const cancelledAt = this.cancelled(at);
    const then = { event_title: this.anyOf(TITLES), customer_name: 'C', customer_email: 'c@then.example' };
    const status = { status: cancelledAt ? 'cancelled' : 'confirmed', cancelled_at: cancelledAt };
    const owner = { account_id: this.account, event_id: this.anyOf(this.events), customer_id: id };
    this.tables.bookings.push({ ...booking, ...owner, ...then, num_tickets, price_cents, ...status });
    const number = this.entries.push(tickets.saleEntry(booking));
    if (cancelledAt) this.entries.push(tickets.cancellationEntry(booking, cancelledAt, number));
  }
}
